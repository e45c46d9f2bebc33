import { PassThrough } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { expect, it } from 'vitest'
import { coloursOf, terminalOf } from './terminal.ts'

const terminal = { isTTY: true } as WriteStream
/** A stream that is no terminal has no `isTTY` at all. */
const pipe = new PassThrough() as unknown as WriteStream

it('has colours on a terminal whose owner did not refuse them', () => {
  expect(coloursOf(terminal, {})).toBe(true)
  expect(coloursOf(terminal, { NO_COLOR: '1' })).toBe(false)
  expect(coloursOf(terminal, { TERM: 'dumb' })).toBe(false)
})

it('has none in a pipe, whatever the environment says', () => {
  for (const env of [{}, { CI: 'true' }, { CI: 'true', FORCE_COLOR: '1' }, { TERM: 'xterm-256color' }])
    expect(coloursOf(pipe, env)).toBe(false)
})

it('rewrites no line in continuous integration', () => {
  expect(terminalOf(terminal, {}).isLive).toBe(true)
  expect(terminalOf(terminal, { CI: 'true' }).isLive).toBe(false)
  expect(terminalOf(pipe, {}).isLive).toBe(false)
})
