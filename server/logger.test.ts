// The log: its shape, and that no secret gets through by any path.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLogger, type LogLevel } from './logger.ts'

const token = `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiJhbGljZSJ9'}.c2lnbmF0dXJlLW9mLWFsaWNl`

describe('createLogger', () => {
  it('writes one JSON object per line with time, level and message', () => {
    const [line] = linesOf((log) => log.info({ port: 8080 }, 'listening'))
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      port: 8080,
      msg: 'listening',
    })
  })

  it('leaves out what is below its level', () => {
    expect(linesOf((log) => log.debug('detail'), 'info')).toEqual([])
    expect(linesOf((log) => log.error('trouble'), 'silent')).toEqual([])
  })

  it('keeps what makes an error useful', () => {
    const [line] = linesOf((log) => log.error({ err: new Error('disk full') }, 'commit failed'))
    expect(line).toMatchObject({
      err: { message: 'disk full', stack: expect.stringContaining('logger.test.ts') },
    })
  })

  const leaks: [where: string, write: (log: ReturnType<typeof createLogger>) => void][] = [
    ['a field', (log) => log.info({ token, content: 'hi bob' })],
    [
      'a deep field',
      (log) => log.info({ a: { b: [{ c: { d: { e: { Token: 'a.b', Content: 'hi bob' } } } }] } }),
    ],
    ['the bindings of a child', (log) => log.child({ token, x: { content: 'hi bob' } }).info('x')],
    ['the message', (log) => log.info(`refused ${token}`)],
    ['an argument of the message', (log) => log.info('refused %s %j', token, { content: 'hi bob' })],
    ['the message of an error', (log) => log.info(new Error(`bad token ${token}`))],
    [
      'a property of an error',
      (log) => log.info({ err: Object.assign(new Error('x'), { token, content: 'hi bob' }) }),
    ],
    [
      'the cause of an error',
      (log) => log.info({ err: new Error('x', { cause: new Error(`bad ${token}`) }) }),
    ],
    [
      'a frame as text',
      (log) => log.info({ raw: JSON.stringify({ type: 'send', content: 'hi bob', token }) }),
    ],
    ['a frame that was cut off', (log) => log.info({ raw: '{"type":"send","content":"hi bob' })],
    ['bytes', (log) => log.info({ content: Buffer.from('hi bob'), meta: { note: 'hi bob' } })],
    ['a header', (log) => log.info({ headers: { authorization: `Bearer ${token}` } })],
  ]
  it.each(leaks)('lets no token and no content out through %s', (_where, write) => {
    const [line] = linesOf(write)
    const text = JSON.stringify(line)
    expect(text).toMatch(/redacted|\[token\]/)
    expect(text).not.toMatch(/hi bob|c2lnbmF0dXJl|eyJ|104,105/)
  })

  it('lets no token out wherever it stands in a value', () => {
    fc.assert(
      fc.property(fc.object(), fc.string(), fc.string(), (object, before, after) => {
        const text = JSON.stringify(
          linesOf((log) => log.info({ ...object, deep: { x: `${before}${token}${after}` } })),
        )
        expect(text).not.toContain('c2lnbmF0dXJl')
      }),
      { numRuns: 200 },
    )
  })

  it('carries trace ids as they are', () => {
    const trace = { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' }
    expect(linesOf((log) => log.info(trace, 'x'))[0]).toMatchObject(trace)
  })
})

function linesOf(write: (log: ReturnType<typeof createLogger>) => void, level: LogLevel = 'trace'): object[] {
  const lines: string[] = []
  write(createLogger(level, { write: (line) => void lines.push(line) }))
  return lines.map((line) => JSON.parse(line))
}
