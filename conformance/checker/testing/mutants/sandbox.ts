// A copy of the judge in which tests run: changed in one place, or not at all.
import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutate, type Selection } from './mutant.ts'

export interface TestName {
  file: string
  title: string
}

/** A mutant may never end; its tests take a few seconds. */
const deadlineMs = 120_000

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..')

/** The tests that fail. @throws Error if the mutant cannot be applied, or no test runs */
export async function failedTests(selection: Selection, mutant?: Mutant): Promise<TestName[]> {
  const name = mutant?.id ?? 'none'
  // Inside the project, so that the copy finds its packages.
  const out = join(project, 'out', 'mutants')
  await mkdir(out, { recursive: true })
  const root = await mkdtemp(join(out, `${name}-`))
  try {
    await copyTo(root, selection)
    if (mutant !== undefined) await patch(root, mutant)
    return failuresIn(await runTests(root))
  } catch (cause) {
    throw new Error(`mutant ${name}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function copyTo(root: string, { files, titled }: Selection): Promise<void> {
  await cp(join(project, 'conformance'), join(root, 'conformance'), { recursive: true })
  for (const beside of ['protocol', 'package.json']) await symlink(join(project, beside), join(root, beside))
  const test = {
    include: files.map((pattern) => `conformance/${pattern}`),
    testNamePattern: titled,
    pool: 'threads',
    isolate: false,
    fileParallelism: false,
    testTimeout: 30_000,
    reporters: ['json'],
    outputFile: 'report.json',
  }
  await writeFile(join(root, 'vitest.config.mjs'), `export default ${JSON.stringify({ test })}\n`)
}

async function patch(root: string, mutant: Mutant): Promise<void> {
  const path = join(root, 'conformance', mutant.file)
  await writeFile(path, mutate(await readFile(path, 'utf8'), mutant))
}

/** What vitest reports; undefined if it had to be stopped. */
async function runTests(root: string): Promise<TestReport | undefined> {
  const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', '--root', root], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  child.stdout.on('data', (text) => said.push(String(text)))
  child.stderr.on('data', (text) => said.push(String(text)))
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, deadlineMs)
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject))
  clearTimeout(deadline)
  if (isLate) return undefined
  const report = await readFile(join(root, 'report.json'), 'utf8').catch(() => undefined)
  if (report === undefined) throw new Error(`no report\n${said.join('')}`)
  return JSON.parse(report)
}

interface TestReport {
  numPassedTests: number
  numFailedTests: number
  testResults: {
    name: string
    message: string
    assertionResults: { status: string; fullName: string }[]
  }[]
}

function failuresIn(report: TestReport | undefined): TestName[] {
  if (report === undefined) return [{ file: '', title: `no end within ${deadlineMs} ms` }]
  const failures = report.testResults.flatMap(({ name, message, assertionResults }) => {
    // A file that does not even load proves only that the patch is no program.
    if (assertionResults.length === 0) throw new Error(`${basename(name)} does not run: ${message}`)
    return assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName: title }) => ({ file: basename(name), title }))
  })
  if (report.numPassedTests + report.numFailedTests === 0) throw new Error('no tests ran')
  return failures
}
