// The documents keep their word: commands run or at least parse, links lead somewhere, examples are real.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { cases } from '../conformance/cases/index.ts'
import { clauseStatuses, requirementShares, resolveBaseline, resolveTarget } from '../conformance/index.ts'
import { clauses } from '../protocol/index.ts'
import { createProgram } from './program.ts'
import { chatspec, Running, temporaryFolder } from './testing/command.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']
const readme = read('README.md')

function read(name: string): string {
  return readFileSync(join(root, name), 'utf8')
}

/** The fenced block of this language that contains `text`. */
function block(language: string, text: string): string {
  const blocks = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
  const found = blocks.find((match) => match[1] === language && match[2]?.includes(text))
  if (found?.[2] === undefined) throw new Error(`README.md has no ${language} block with ${text}`)
  return found[2]
}

/** As a shell would, for the quoting that the documents use. */
function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('README.md', () => {
  it('shows a first session that works as written', async () => {
    const cwd = temporaryFolder()
    const port = String(await freePort())
    const script = block('sh', 'chatspec serve').replaceAll('9000', port)
    const [serve = [], ...others] = script
      .trim()
      .split('\n')
      .map((line) => words(line.replace(/^npx chatspec /, '').replace(/ &$/, '')))
    expect(serve[0]).toBe('serve')
    await new Running(serve, { cwd }).said(/listening on/)
    for (const args of others) expect(await chatspec(args, { cwd })).toMatchObject({ code: 0 })
  })

  it('shows a target file that is accepted', () => {
    const target = resolveTarget(JSON.parse(block('json', '"tokens"')))
    expect(Object.keys(target.hooks.functions)).toEqual(expect.arrayContaining(['kill', 'start']))
  })

  it('shows a baseline that is accepted, and numbers of the suite that are true', () => {
    const [entry] = resolveBaseline(JSON.parse(block('json', '"expires"')))
    expect(clauses.map(({ id }) => id)).toContain(entry?.rule)
    const { total, byUrl, withHooks, excluded } = requirementShares(clauseStatuses())
    const [, ...said] =
      /the (\d+) requirements[^,]*, (\d+) are[^\d]*\s(\d+) with hooks[^\d]*(\d+) are not/.exec(readme) ?? []
    expect(said.map(Number)).toEqual([total, byUrl, withHooks, excluded])
  })

  it('shows output that the reports really make', () => {
    expect(read('reports/testing/golden/table.txt.golden')).toContain(block('text', '✗ fail').trim())
  })

  it('shows a case that there is, and quotes its sentence as SPEC.md has it', () => {
    const [, id, rule, quoted = ''] =
      /✗ fail {2}(\S+) \(\w+\) {2}(\S+)\n((?: {2}\S.*\n)+?) {2}expected/.exec(block('text', '✗ fail')) ?? []
    expect(cases.find((one) => one.id === id)?.rules).toContain(rule)
    const sentence = clauses.find((clause) => clause.id === rule)?.text
    expect(quoted.trim().replaceAll(/\s+/g, ' ')).toBe(sentence)
  })

  it('names scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = documents.flatMap((name) => [
      ...read(name).matchAll(/npm (?:run )?(start|test|lint|format|build)\b/g),
    ])
    expect(named.length).toBeGreaterThan(0)
    for (const [, script = ''] of named) expect(scripts).toHaveProperty(script)
  })
})

describe('every document', () => {
  it.each(documents)('%s shows only commands and flags that exist', async (name) => {
    const commands = [...read(name).matchAll(/npx chatspec ((?:'[^']*'|[^\n`&'])+)/g)].map(
      (match) => match[1] ?? '',
    )
    for (const command of commands) {
      const program = createProgram()
      for (const one of program.commands) one.action(() => {})
      const args = words(command.replaceAll(/<[^>]+>/g, '1'))
      if (args[0]?.startsWith('<') || args.includes('--help')) continue
      await program.parseAsync(args, { from: 'user' })
    }
  })

  it.each(documents)('%s links only to what exists', (name) => {
    const text = read(name)
    const targets = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map((match) => match[1] ?? '')
    const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    const isDead = (target: string): boolean =>
      target.startsWith('#')
        ? !anchors.includes(target.slice(1))
        : !existsSync(join(root, dirname(name), target))
    expect(targets.filter(isDead)).toEqual([])
  })
})
