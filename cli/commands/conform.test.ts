// `chatspec conform` as a process: exit codes, what goes to which stream, files, token sources.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Frame, standBetween } from '../../conformance/properties/testing/man-in-the-middle.ts'
import { type FakeOptions, fakeSecret, startFakeServer } from '../../conformance/testing/fake-server.ts'
import { hookNames } from '../../conformance/hooks.ts'
import type { CheckReport } from '../../conformance/checker/index.ts'
import { type ConformanceResult, mintToken } from '../../conformance/index.ts'
import { testSecret } from '../../server/testing/endpoint.ts'
import { start } from '../../server/testing/start.ts'
import { chatspec, temporaryFolder } from '../testing/command.ts'

const env = { CHATSPEC_SECRET: fakeSecret }
const only = ['--only', 'acks/every-send-gets-one-answer', '--encoding', 'json', '--timeout', '1s']

async function fake(options: FakeOptions = {}): Promise<string> {
  const server = await startFakeServer({ caps: ['durability=memory', 'fence'], ...options })
  onTestFinished(() => server.close())
  return server.url
}

describe('the exit code', () => {
  it('is 0 if what was tested is as promised, and the table is on stdout', async () => {
    const { code, stdout } = await chatspec(['conform', await fake(), ...only], { env })
    expect(stdout).toMatch(/^feature +pass\nacks +\d+$/m)
    expect(stdout).toContain('Conformant\n')
    expect(code).toBe(0)
  })

  it('is 1 if a promise was broken, and says which', async () => {
    const { code, stdout, stderr } = await chatspec(
      ['conform', await fake({ defect: 'silent-send' }), ...only],
      { env },
    )
    expect(stderr).toMatch(/✗ fail {2}acks\//)
    expect(stdout).toMatch(/Not conformant\n/)
    expect(stdout).toMatch(/again +chatspec conform .* --only acks\/\S+ --encoding json --seed \d+/)
    expect(code).toBe(1)
  })

  it('is 0 if nothing broke but what the baseline lists, and 1 if one of its entries must go', async () => {
    const url = await fake({ defect: 'silent-send' })
    const file = join(temporaryFolder(), 'known.json')
    const known = { reason: 'slow', link: 'https://chat.example/bugs/7', expires: '2999-12-31' }
    const entries = [{ rule: 'ACK-01', ...known }]
    writeFileSync(file, JSON.stringify(entries))
    const holds = await chatspec(['conform', url, ...only, '--baseline', file], { env })
    expect(holds.stdout).toContain('Nothing new is broken\n')
    expect(holds.code).toBe(0)
    writeFileSync(file, JSON.stringify([...entries, { rule: 'ACK-99', ...known }]))
    const stale = await chatspec(['conform', url, ...only, '--baseline', file], { env })
    expect(stale.stdout).toMatch(/✗ baseline {2}ACK-99: it matches nothing that was tested: slow/)
    expect(stale.code).toBe(1)
    writeFileSync(file, '[{}]')
    const bad = await chatspec(['conform', url, ...only, '--baseline', file], { env })
    expect(bad.stderr).toContain('entry 1, rule and case: nothing arrived, one or both is allowed')
    expect(bad.code).toBe(3)
  })

  it('is 3 with one sentence, soon, where no server is', async () => {
    const { code, stdout, stderr } = await chatspec(['conform', 'ws://127.0.0.1:1/ws'], { env })
    expect(stderr).toMatch(/\nerror: Nothing listens at 127\.0\.0\.1:1 \(ECONNREFUSED\)\.\n$/)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  })

  it('is 3 if --only matches nothing', async () => {
    const { code, stderr } = await chatspec(['conform', await fake(), '--only', 'colour'], { env })
    expect(stderr).toContain('no case of the default profile matches colour')
    expect(code).toBe(3)
  })
})

describe('the help', () => {
  it('explains every hook', async () => {
    const { stdout } = await chatspec(['conform', '--help'])
    for (const name of [...hookNames, 'metrics', 'log']) expect(stdout).toContain(`"${name}"`)
  })
})

describe('outputs', () => {
  it('prints only JSON on stdout with --json', async () => {
    const { stdout } = await chatspec(['conform', await fake(), ...only, '--json', '--seed', '7'], { env })
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'conformance', seed: 7, verdict: 'conformant' })
  })

  it('writes the reports that were asked for, and names them', async () => {
    const out = join(temporaryFolder(), 'new', 'folder')
    const flags = [...only, '--out', out, '--format', 'html,markdown']
    const { stderr } = await chatspec(['conform', await fake(), ...flags], { env })
    expect(stderr).toContain(`wrote ${join(out, 'report.html')}\nwrote ${join(out, 'report.md')}\n`)
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/)
    expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(/^## Conformant/)
  })

  it('writes the history of a case that did not pass, which chatspec check judges in the same way', async () => {
    const out = temporaryFolder()
    const flags = ['--only', 'ordering/*order*', '--encoding', 'json', '--timeout', '1s', '--out', out]
    const { stdout } = await chatspec(['conform', await fake({ defect: 'swaps-seqs' }), ...flags], { env })
    const { cases } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as ConformanceResult
    const kept = cases.flatMap(({ history }) => history ?? [])
    expect(kept.flatMap(({ broken }) => broken)).toContain('H5')
    for (const { file, verdict, broken } of kept) {
      const { code, stdout: json } = await chatspec(['check', join(out, file), '--json'])
      const { rules, ...report } = JSON.parse(json) as CheckReport
      expect(report.verdict).toBe(verdict)
      expect(rules.filter((one) => one.verdict === 'fail').map(({ rule }) => rule)).toEqual(broken)
      expect(code).toBe({ pass: 0, fail: 1, unknown: 2, 'harness-error': 3 }[verdict])
    }
    expect(stdout).toMatch(/history +histories\/ordering-\S+\.json\.jsonl: chatspec check\s+finds/)
  })

  it('adds the verdict to the summary of a job on GitHub', async () => {
    const summary = join(temporaryFolder(), 'summary.md')
    const { stderr } = await chatspec(['conform', await fake(), ...only], {
      env: { ...env, GITHUB_STEP_SUMMARY: summary },
    })
    expect(readFileSync(summary, 'utf8')).toMatch(/^## Conformant\n/)
    expect(stderr).toContain(`added the verdict to the job summary ${summary}\n`)
  })

  it('shows the secret nowhere', async () => {
    const out = temporaryFolder()
    const flags = [...only, '--out', out, '--format', 'json,junit,html,markdown,badge']
    const { stdout, stderr } = await chatspec(['conform', await fake({ defect: 'silent-send' }), ...flags], {
      env,
    })
    const names = ['report.json', 'junit.xml', 'report.html', 'report.md', 'badge.svg']
    const texts = [stdout, stderr, ...names.map((name) => readFileSync(join(out, name), 'utf8'))]
    for (const text of texts) expect(text).not.toMatch(new RegExp(`${fakeSecret}|eyJ[\\w-]+\\.eyJ`))
  })
})

describe('a counterexample', () => {
  const property = ['--only', 'properties/what-is-sent-arrives-in-one-order', '--encoding', 'json']

  it('is repeated by the command that its report prints', { timeout: 60_000 }, async () => {
    const { server } = await start()
    const twice = (frame: Frame): Frame[] => (frame.type === 'msg' ? [frame, frame] : [frame])
    const { url, close } = await standBetween(server.url, () => ({ fromServer: twice }))
    onTestFinished(close)
    const env = { CHATSPEC_SECRET: testSecret }
    const flags = ['--json', '--profile', 'quick', '--seed', '7']
    const { stdout } = await chatspec(['conform', url, ...property, ...flags], { env })
    const { cases } = JSON.parse(stdout) as { cases: { replay: string; counterexample: { path: string } }[] }
    const [one] = cases
    expect(one?.replay).toMatch(/--profile quick .*--seed 7 --replay \d+(:\d+)*$/)
    const again = await chatspec([...(one?.replay.split(' ').slice(1) ?? []), '--json'], { env })
    expect(again.code).toBe(1)
    expect(JSON.parse(again.stdout)).toMatchObject({ cases: [{ counterexample: one?.counterexample }] })
  })

  it('is not looked for without its seed', async () => {
    const { code, stderr } = await chatspec(['conform', await fake(), ...property, '--replay', '1:2'], {
      env,
    })
    expect(code).toBe(3)
    expect(stderr).toContain('--replay 1:2 has no effect; allowed: together with --seed and --only')
  })
})

describe('tokens come from', () => {
  const tokenOf = (user: string): string => mintToken({ sub: user, exp: 4_000_000_000 }, fakeSecret)

  it('a file with the secret', async () => {
    const file = join(temporaryFolder(), 'secret')
    writeFileSync(file, `${fakeSecret}\n`)
    expect((await chatspec(['conform', await fake(), ...only, '--secret-file', file])).code).toBe(0)
  })

  it('a command', async () => {
    const cwd = temporaryFolder()
    const script = `const { createHmac } = require('node:crypto')
      const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const signed = part({ alg: 'HS256', typ: 'JWT' }) + '.' + part({ sub: process.argv[2], exp: 4000000000 })
      console.log(signed + '.' + createHmac('sha256', '${fakeSecret}').update(signed).digest('base64url'))`
    writeFileSync(join(cwd, 'token.cjs'), script)
    const flags = [...only, '--token-command', `"${process.execPath}" token.cjs {user}`]
    expect((await chatspec(['conform', await fake(), ...flags], { cwd })).code).toBe(0)
  })

  it('a file with tokens of certain users', async () => {
    const file = join(temporaryFolder(), 'tokens.json')
    const users = ['ann', 'ben', 'cyd', 'dan']
    writeFileSync(file, JSON.stringify(Object.fromEntries(users.map((user) => [user, tokenOf(user)]))))
    expect((await chatspec(['conform', await fake(), ...only, '--token-file', file])).code).toBe(0)
  })

  it('a URL to log in at', async () => {
    const login = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (body: string) => {
        const { user } = JSON.parse(body) as { user: string }
        response.end(JSON.stringify({ token: tokenOf(user) }))
      })
    })
    await new Promise<void>((resolve) => login.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void login.close())
    const url = `http://127.0.0.1:${(login.address() as AddressInfo).port}/login`
    expect((await chatspec(['conform', await fake(), ...only, '--login-url', url])).code).toBe(0)
  })

  it('a target file, whose other words count too, and which flags override', async () => {
    const cwd = temporaryFolder()
    const target = { url: 'ws://127.0.0.1:1/ws', tokens: { secret: fakeSecret }, timeoutMs: 1_000 }
    writeFileSync(join(cwd, 'target.json'), JSON.stringify(target))
    const flags = ['--target', 'target.json', ...only]
    expect((await chatspec(['conform', ...flags], { cwd })).stderr).toContain(
      'Nothing listens at 127.0.0.1:1',
    )
    expect((await chatspec(['conform', await fake(), ...flags], { cwd })).code).toBe(0)
  })
})
