// How far a run is: one line that is rewritten on a terminal, a line now and then in a log.
import { createColors } from 'picocolors'
import type { CaseResult } from '../conformance/result.ts'
import { plural, verdictLabels } from './summary.ts'
import { paintVerdict } from './terminal.ts'
import { shorten, visibleLine } from './visible.ts'

/** Where progress is written. */
export interface Terminal {
  write(text: string): void
  /** A person watches, and lines can be rewritten. */
  isLive: boolean
  columns: number
  colours: boolean
}

export type ProgressEvent =
  /** What happens around the judging, in a few words. */
  | { kind: 'note'; text: string }
  | { kind: 'contact'; total: number }
  | { kind: 'started'; id: string; encoding: string; done: number; total: number }
  | { kind: 'finished'; result: CaseResult; done: number; total: number }

export interface Progress {
  update(event: ProgressEvent): void
  /** Clears the line and stops the clock. */
  end(): void
}

/** To the first column, and nothing left in the line. */
const clearLine = '\r\u001b[2K'
const redrawMs = 100
/** In a log nobody waits longer than this without a sign. */
const quietMs = 2_000

/** @param now Milliseconds of a clock that never goes back. */
export function createProgress(terminal: Terminal, now: () => number = () => performance.now()): Progress {
  return new ProgressLine(terminal, now)
}

class ProgressLine implements Progress {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #startMs: number
  readonly #timer: NodeJS.Timeout
  #text = ''
  #failed = 0
  #position: { done: number; total: number } | undefined
  #printedMs: number
  #drawnMs = Number.NEGATIVE_INFINITY

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal
    this.#now = now
    this.#startMs = now()
    this.#printedMs = this.#startMs
    this.#timer = setInterval(() => this.#draw(), terminal.isLive ? redrawMs : quietMs)
    this.#timer.unref()
  }

  update(event: ProgressEvent): void {
    if (event.kind === 'note') {
      this.#text = event.text
      if (!this.#terminal.isLive) this.#print(visibleLine(event.text))
    } else if (event.kind === 'contact') {
      this.#text = ''
      this.#position = { done: 0, total: event.total }
    } else {
      this.#position = { done: event.done, total: event.total }
      if (event.kind === 'started') this.#text = `${event.id} (${event.encoding})`
      else this.#report(event.result)
    }
    if (this.#now() - this.#drawnMs >= redrawMs) this.#draw()
  }

  end(): void {
    clearInterval(this.#timer)
    if (this.#terminal.isLive) this.#terminal.write(clearLine)
  }

  /** What goes wrong is said at once. */
  #report({ verdict, id, encoding }: CaseResult): void {
    if (verdict !== 'fail' && verdict !== 'harness-error') return
    this.#failed++
    const { mark, word } = verdictLabels[verdict]
    const paint = paintVerdict(verdict, createColors(this.#terminal.colours))
    this.#print(paint(visibleLine(`${mark} ${word}  ${id} (${encoding})`)))
  }

  #draw(): void {
    const { isLive, columns, colours } = this.#terminal
    this.#drawnMs = this.#now()
    if (isLive)
      this.#terminal.write(`${clearLine}${createColors(colours).dim(shorten(this.#status(), columns - 1))}`)
    else if (this.#now() - this.#printedMs >= quietMs) this.#print(this.#status())
  }

  /** A line that stays. */
  #print(line: string): void {
    this.#terminal.write(`${this.#terminal.isLive ? clearLine : ''}${line}\n`)
    this.#printedMs = this.#now()
  }

  #status(): string {
    const position = this.#position
    const parts = [
      ...(position === undefined ? [] : [`${position.done} of ${plural(position.total, 'case')}`]),
      ...(this.#failed === 0 ? [] : [`${this.#failed} failed`]),
      `${Math.round((this.#now() - this.#startMs) / 1000)} s`,
      ...(this.#text === '' ? [] : [this.#text]),
    ]
    return visibleLine(parts.join(', '))
  }
}
