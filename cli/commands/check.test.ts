// `chatspec check` as a process: verdicts and their exit codes, bad lines by their number, streams.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { formatHistoryLine, type HistoryEvent } from '../../conformance/checker/index.ts'
import { longRun } from '../../conformance/checker/testing/long-run.ts'
import { pair } from '../../conformance/checker/testing/spoken.ts'
import { direct, epoch, seen } from '../../conformance/checker/testing/story.ts'
import { chatspec, main, temporaryFolder } from '../testing/command.ts'

const header: HistoryEvent = { kind: 'header', format: 'chatspec-history', version: 1 }

/** A conversation of two messages, read at its end. */
function whole(): HistoryEvent[] {
  const { story, alice } = pair()
  story.add({ kind: 'quiet', ms: story.tick() })
  const who = { user: 'alice', device: 'phone', connection: 'alice/1' }
  const items = [seen(1, 'alice', 'a'), seen(2, 'bob', 'b')]
  story.add({ kind: 'history', ms: story.tick(), ...who, id: 900, conv: direct, order: 'asc', final: true })
  story.add({ kind: 'page', ms: story.tick(), ...who, id: 900, epoch, items, complete: true })
  alice.close(true)
  return [header, ...story.events]
}

function write(lines: readonly string[]): string {
  const path = join(temporaryFolder(), 'history.jsonl')
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

const linesOf = (events: readonly HistoryEvent[]): string[] => events.map(formatHistoryLine)

describe('the exit code', () => {
  it('is 0 where every rule holds, and the rules stand on stdout', async () => {
    const { code, stdout } = await chatspec(['check', write(linesOf(whole()))])
    expect(stdout).toMatch(/^✓ H1 {2}/m)
    expect(stdout).toContain('No rule is broken.\n')
    expect(code).toBe(0)
  })

  it('is 1 where a message was lost, with the events that prove it', async () => {
    const events = whole().map((event) =>
      event.kind === 'page' ? { ...event, items: event.items.slice(0, 1) } : event,
    )
    const { code, stdout } = await chatspec(['check', write(linesOf(events))])
    expect(stdout).toMatch(/^✗ H1 {2}/m)
    expect(stdout).toMatch(/^H1\n {2}expected .*\n {2}actual .*\n {2}\{"kind":/m)
    expect(code).toBe(1)
  })

  it('is 2 where too little happened, and so where more is demanded', async () => {
    expect((await chatspec(['check', write(linesOf([header]))])).code).toBe(2)
    const path = write(linesOf(whole()))
    expect((await chatspec(['check', path, '--minimum', 'faults=1'])).code).toBe(2)
  })

  it('is 3 where the recording cannot be trusted', async () => {
    const events = whole().map((event) => (event.kind === 'quiet' ? { ...event, ms: 0 } : event))
    const { code, stdout } = await chatspec(['check', write(linesOf(events))])
    expect(stdout).toContain('not to be trusted')
    expect(code).toBe(3)
  })

  it('is 3 for lines that are no events, each named by its number', async () => {
    const lines = linesOf(whole())
    lines[4] = '{"kind":"send"'
    lines[6] = '{"kind":"quiet","ms":-1}'
    const path = write(lines)
    const { code, stdout, stderr } = await chatspec(['check', path])
    expect(stderr).toContain(`error: ${path}:5: "{\\"kind\\":\\"send\\"" arrived, a JSON object is allowed\n`)
    expect(stderr).toContain(`${path}:7: ms: -1 arrived`)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  })

  it('is 3 for a file without a line, and one that stops in the middle of its last', async () => {
    const path = join(temporaryFolder(), 'empty.jsonl')
    writeFileSync(path, '')
    expect((await chatspec(['check', path])).stderr).toContain(`${path} is empty`)
    writeFileSync(path, linesOf(whole()).join('\n').slice(0, -5))
    expect(await chatspec(['check', path])).toMatchObject({ code: 3, stdout: '' })
  })
})

it('gives the report as JSON', async () => {
  const { stdout } = await chatspec(['check', write(linesOf(whole())), '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    kind: 'history-check',
    verdict: 'pass',
    counters: { okSends: 2 },
  })
})

it('reads a long stream from standard input in bounded memory', async () => {
  const child = spawn(process.execPath, ['--max-old-space-size=64', main, 'check', '-', '--json'])
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  let lines: string[] = []
  for (const event of longRun({ pairs: 10, messages: 40_000, resumeEvery: 1_000 })) {
    lines.push(formatHistoryLine(event))
    if (lines.length < 1_000) continue
    if (!child.stdin.write(`${lines.join('\n')}\n`)) await once(child.stdin, 'drain')
    lines = []
  }
  child.stdin.end(`${lines.join('\n')}\n`)
  await once(child, 'close')
  expect(JSON.parse(stdout)).toMatchObject({ counters: { okSends: 40_000, deliveries: 40_000 } })
})
