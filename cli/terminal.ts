// What can be done with an output stream: rewrite lines, show colours, how wide it is.
import type { WriteStream } from 'node:tty'
import type { Terminal } from '../reports/index.ts'

type Env = Readonly<Record<string, string | undefined>>

export function terminalOf(stream: WriteStream, env: Env = process.env): Terminal {
  return {
    write: (text) => {
      stream.write(text)
    },
    // A log of continuous integration keeps every rewritten line.
    isLive: isCapable(stream, env) && !env.CI,
    get columns() {
      return columnsOf(stream)
    },
    colours: coloursOf(stream, env),
  }
}

/** Colours on a terminal, unless the person who sits there does not want them (no-color.org). */
export function coloursOf(stream: WriteStream, env: Env = process.env): boolean {
  return isCapable(stream, env) && !env.NO_COLOR
}

/** Of a file or a pipe: 100, which is easy to read. */
export function columnsOf(stream: WriteStream): number {
  return stream.columns || 100
}

function isCapable(stream: WriteStream, env: Env): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb'
}
