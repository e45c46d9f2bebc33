// Progress on a terminal and in a log, in virtual time.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createProgress, type ProgressEvent } from './progress.ts'
import { sampleResult } from './testing/sample-result.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const contact: ProgressEvent = { kind: 'contact', total: 12 }
const started: ProgressEvent = { kind: 'started', id: 'ordering/fifo', encoding: 'json', done: 0, total: 12 }

function finished(verdict: string, done: number): ProgressEvent {
  const result = sampleResult.cases.find((one) => one.verdict === verdict)
  if (result === undefined) throw new Error(`the sample has no ${verdict}`)
  return { kind: 'finished', result, done, total: 12 }
}

function start(isLive: boolean, columns = 80) {
  const written: string[] = []
  const terminal = { isLive, columns, colours: false, write: (text: string) => void written.push(text) }
  return { progress: createProgress(terminal, Date.now), written }
}

describe('in a log', () => {
  it('says something at least every 2 s while nothing happens', () => {
    const { progress, written } = start(false)
    progress.update(contact)
    progress.update(started)
    vi.advanceTimersByTime(6_000)
    expect(written).toEqual([
      '0 of 12 cases, 2 s, ordering/fifo (json)\n',
      '0 of 12 cases, 4 s, ordering/fifo (json)\n',
      '0 of 12 cases, 6 s, ordering/fifo (json)\n',
    ])
  })

  it('names a failure at once, and nothing else of a quick run', () => {
    const { progress, written } = start(false)
    for (const event of [contact, started, finished('pass', 1), finished('fail', 2)]) progress.update(event)
    progress.end()
    expect(written).toEqual(['✗ fail  dedup/users-share-no-ids (cbor)\n'])
  })

  it('writes no escape codes', () => {
    const { progress, written } = start(false)
    progress.update({ kind: 'note', text: 'connecting to \u001b[2Jevil' })
    expect(written.join('')).toBe('connecting to \\u001b[2Jevil\n')
  })
})

describe('on a terminal', () => {
  it('rewrites one line, keeps failures above it, and clears it at the end', () => {
    const { progress, written } = start(true)
    for (const event of [contact, started, finished('fail', 1)]) progress.update(event)
    vi.advanceTimersByTime(1_000)
    progress.end()
    expect(written.filter((text) => text.includes('\n'))).toEqual([
      '\r\u001b[2K✗ fail  dedup/users-share-no-ids (cbor)\n',
    ])
    expect(written.at(-2)).toBe('\r\u001b[2K1 of 12 cases, 1 failed, 1 s, ordering/fifo (json)')
    expect(written.at(-1)).toBe('\r\u001b[2K')
  })

  it('never fills a line, because a full line wraps', () => {
    const { progress, written } = start(true, 20)
    progress.update(contact)
    progress.update(started)
    vi.advanceTimersByTime(1_000)
    const longest = Math.max(...written.map((text) => text.replace('\r\u001b[2K', '').length))
    expect(longest).toBe(19)
  })

  it('stops its clock at the end', () => {
    const { progress, written } = start(true)
    progress.end()
    vi.advanceTimersByTime(10_000)
    expect(written).toEqual(['\r\u001b[2K'])
  })
})
