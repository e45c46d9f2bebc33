// The package as a stranger gets it: packed, unpacked into an empty project, with nothing but its own dependencies.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { projectRoot } from './build.ts'

let project = ''
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'chatspec-package-'))
  writeFileSync(join(project, 'package.json'), '{"private":true,"type":"module"}')
  unpack(join(project, 'node_modules', 'chatspec'))
  for (const path of dependencyPaths()) link(path)
})
afterAll(() => rmSync(project, { recursive: true }))

it('holds what it names and nothing for tests', () => {
  const { bin, exports } = JSON.parse(readFileSync(installed('package.json'), 'utf8')) as Manifest
  const targets = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  for (const target of [...Object.values(bin), ...targets].filter((path) => !path.includes('*')))
    expect(existsSync(installed(target)), target).toBe(true)
  expect(existsSync(installed('protocol/SPEC.md'))).toBe(true)
  expect(execFileSync('find', ['.', '-name', '*.test.*'], { cwd: installed('.'), encoding: 'utf8' })).toBe('')
})

it('gives every library that it exports, and the vectors', () => {
  const script = `
    for (const name of ['protocol', 'client', 'server', 'conformance'])
      console.log(name, Object.keys(await import('chatspec/' + name)).length > 0)
    const { default: vectors } = await import('chatspec/vectors/json-valid.json', { with: { type: 'json' } })
    console.log('vectors', vectors !== undefined)`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(said).toBe('protocol true\nclient true\nserver true\nconformance true\nvectors true\n')
})

it('serves and judges', { timeout: 180_000 }, () => {
  const said = execFileSync(process.execPath, [installed('dist/cli/main.js'), 'demo', '--out', 'out'], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(said).toContain('Conformant\n')
  expect(existsSync(join(project, 'out', 'report.html'))).toBe(true)
})

it('runs the suite as tests of a Vitest project, one for each case', { timeout: 120_000 }, () => {
  link('node_modules/vitest')
  writeFileSync(join(project, 'chat.test.js'), suiteAsTests)
  const flags = ['run', '--root', project, '--reporter', 'json', '--outputFile', join(project, 'tests.json')]
  const vitest = spawnSync(
    process.execPath,
    [join(projectRoot, 'node_modules/vitest/vitest.mjs'), ...flags],
    {
      cwd: project,
      encoding: 'utf8',
    },
  )
  expect(vitest.status, vitest.stderr).toBe(1)
  const { testResults } = JSON.parse(readFileSync(join(project, 'tests.json'), 'utf8')) as VitestReport
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const statusOf = (title: string) =>
    tests.filter((one) => one.title.startsWith(title)).map(({ status }) => status)
  expect(statusOf('direct/')).not.toContain('failed')
  expect(statusOf('direct/every-device-but-the-origin-gets-it (json) DM-02')).toEqual(['passed'])
  expect([...new Set(statusOf('durability/'))]).toEqual(['skipped'])
  expect(statusOf('acks/wrong-on-purpose (json) ACK-01')).toEqual(['failed'])
  expect(statusOf('acks/known (json) ACK-01')).toEqual(['skipped'])
  expect(statusOf('the baseline is up to date')).toEqual(['passed'])
  const message = tests.find(({ status }) => status === 'failed')?.failureMessages.join('\n')
  expect(message).toMatch(
    /ACK-01: The server MUST answer every `send` .*\n {2}expected {2}one\n {2}actual {4}none/,
  )
  expect(message).toMatch(
    /again: chatspec conform ws:\S+ --only acks\/wrong-on-purpose --encoding json --seed 7/,
  )
})

/** What a stranger writes into a test file. */
const suiteAsTests = `
import { writeFileSync } from 'node:fs'
import pino from 'pino'
import { defineCase } from 'chatspec/conformance'
import { startServer } from 'chatspec/server'
import { conformance } from 'chatspec/vitest'

const secret = 'a secret for tests with 40 characters ..'
let server
const target = async () => {
  server = await startServer({ port: 0, jwt: { secret } }, pino({ level: 'silent' }))
  return { url: server.url, tokens: { secret } }
}
const stop = () => server.close()
conformance({ target, stop, profile: 'quick', encodings: ['json'], only: ['direct', 'durability/*restart'], title: 'ours' })

const wrong = defineCase({
  id: 'acks/wrong-on-purpose',
  rules: ['ACK-01'],
  level: 'must',
  encodings: ['json'],
  run: async () => ({ verdict: 'fail', expected: 'one', actual: 'none', fault: 'wrong' }),
})
conformance({ target, stop, cases: [wrong], seed: 7, title: 'wrong' })

const known = { rule: 'ACK-01', reason: 'on purpose', link: 'https://chat.example/7', expires: '2999-12-31' }
writeFileSync('known.json', JSON.stringify([known]))
conformance({ target, stop, cases: [{ ...wrong, id: 'acks/known' }], baseline: 'known.json', title: 'known' })
`

interface VitestReport {
  testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[]
}

interface Manifest {
  bin: Record<string, string>
  exports: Record<string, string | Record<string, string>>
}

interface Lock {
  packages: Record<string, { dev?: boolean }>
}

function installed(path: string): string {
  return join(project, 'node_modules', 'chatspec', path)
}

function unpack(folder: string): void {
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: projectRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', join(project, filename), '-C', folder, '--strip-components=1'])
}

/** Of everything that `npm install chatspec` would bring along, and of nothing that only we develop with. */
function dependencyPaths(): string[] {
  const { packages } = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as Lock
  return Object.entries(packages)
    .filter(([path, { dev = false }]) => path.lastIndexOf('node_modules/') === 0 && !dev)
    .map(([path]) => path)
    .filter((path) => existsSync(join(projectRoot, path)))
}

function link(path: string): void {
  const to = join(project, path)
  mkdirSync(dirname(to), { recursive: true })
  symlinkSync(join(projectRoot, path), to)
}
