// What a trace shows, and what it never shows.
import { expect, test } from 'vitest'
import { mintToken } from './tokens.ts'
import { formatLine, summarize, Trace } from './trace.ts'

test('a token is blotted out wherever it stands', () => {
  const token = mintToken({ sub: 'alice' }, 'secret')
  const trace = new Trace(new Set(['opaque-token-42']))
  trace.add('alice/1', '>', summarize({ type: 'hello', id: 1, token }))
  trace.add('alice/1', '>', `text {"tok":"${token}"}`)
  trace.add('alice/1', '>', 'text opaque-token-42')
  const lines = JSON.stringify(trace.lines())
  expect(lines).not.toContain(token.split('.')[1])
  expect(lines).not.toContain('opaque-token-42')
})

test('a frame becomes one line, its content only the beginning', () => {
  const line = summarize({ type: 'msg', seq: 3, content: 'x'.repeat(5_000), meta: { a: 'b' } })
  expect(line).toBe(`msg seq=3 content="${'x'.repeat(24)}"…(5000 characters) meta={"a":"b"}`)
  expect(summarize({ type: 'send', content: new Uint8Array(9) })).toBe('send content=9 bytes')
  expect(summarize({ type: 7, n: null })).toBe('7 n=null')
})

test('nested content and bytes are abbreviated too', () => {
  const items = [{ content: 'y'.repeat(50) }, { content: new Uint8Array(300) }]
  expect(summarize({ type: 'page', items })).toBe(
    `page items=[{"content":"${'y'.repeat(24)}…"},{"content":"300 bytes"}]`,
  )
})

test('of a flood the beginning and the end are kept', () => {
  const trace = new Trace()
  for (let count = 0; count < 100_000; count++) trace.add('bob/1', '<', `line ${count}`)
  const lines = trace.lines().map(({ text }) => text)
  expect(lines.length).toBeLessThan(5_000)
  expect([lines[0], lines.at(-1)]).toEqual(['line 0', 'line 99999'])
  expect(lines.find((text) => /^… \d+ lines dropped …$/.test(text))).toBeDefined()
})

test('times count from the start of the trace', () => {
  const trace = new Trace(new Set(), performance.now() - 1_500)
  trace.add('bob/1', '-', 'frozen')
  expect(formatLine(trace.lines()[0] as never)).toMatch(/^ {3}15\d\d\.\d ms {2}bob\/1 - frozen$/)
})
