// What went over the wires of one case, on one monotonic clock; never a token, content only in part.

/** `>` written by the judge, `<` read from the server, `-` happened to the connection. */
export type Direction = '>' | '<' | '-'

export interface TraceLine {
  /** Milliseconds since the case began. */
  ms: number
  connection: string
  direction: Direction
  text: string
}

/** Of more lines than this the middle is dropped, and counted. */
const maxLines = 2_000
const keptAtStart = 200
const maxTextLength = 240

/** Also the beginning of one that was cut off. */
const jwtPattern = /eyJ[\w.-]{8,}/g

export class Trace {
  readonly #startMs: number
  readonly #secrets: ReadonlySet<string>
  readonly #head: TraceLine[] = []
  #tail: TraceLine[] = []
  #dropped = 0

  /** `secrets` are blotted out wherever they occur, besides everything that looks like a JWT. */
  constructor(secrets: ReadonlySet<string> = new Set(), startMs = performance.now()) {
    this.#secrets = secrets
    this.#startMs = startMs
  }

  elapsedMs(): number {
    return performance.now() - this.#startMs
  }

  add(connection: string, direction: Direction, text: string): void {
    const ms = Math.round(this.elapsedMs() * 10) / 10
    const line = { ms, connection, direction, text: shorten(this.redact(text)) }
    if (this.#head.length < keptAtStart) this.#head.push(line)
    else this.#tail.push(line)
    if (this.#tail.length <= 2 * maxLines) return
    this.#dropped += this.#tail.length - maxLines
    this.#tail = this.#tail.slice(-maxLines)
  }

  redact(text: string): string {
    let clean = redactTokens(text)
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '<token>')
    return clean
  }

  lines(): TraceLine[] {
    const note = `… ${this.#dropped} lines dropped …`
    const gap: TraceLine[] = this.#dropped
      ? [{ ms: this.#tail[0]?.ms ?? 0, connection: '', direction: '-', text: note }]
      : []
    return [...this.#head, ...gap, ...this.#tail]
  }
}

/** Blots out everything that looks like a JWT. */
export function redactTokens(text: string): string {
  return text.replace(jwtPattern, '<token>')
}

/** One frame in one line: type first, then the fields, long ids and content cut. */
export function summarize(frame: object): string {
  const { type, ...fields } = frame as { type?: unknown }
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${show(name, value)}`)
  return [typeof type === 'string' ? type : JSON.stringify(type), ...parts].join(' ')
}

/** A value for a person: bytes as a count, long text cut. */
export function show(name: string, value: unknown): string {
  if (name === 'token') return '<token>'
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (name === 'content' && typeof value === 'string') return showContent(value)
  if (name === 'limits') return '{…}'
  const text = JSON.stringify(value, replaceNested) ?? String(value)
  return text.length > 120 ? `${text.slice(0, 117)}…` : text
}

/** Bytes that are no frame: how many, and the first few. */
export function summarizeBytes(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 16)).toString('hex')
  return `${bytes.length} bytes ${head}${bytes.length > 16 ? '…' : ''}`
}

/** One line of a report. */
export function formatLine(line: TraceLine): string {
  return `${line.ms.toFixed(1).padStart(9)} ms  ${line.connection} ${line.direction} ${line.text}`
}

function showContent(text: string): string {
  const shown = JSON.stringify(text.slice(0, 24))
  return text.length > 24 ? `${shown}…(${text.length} characters)` : shown
}

function replaceNested(name: string, value: unknown): unknown {
  if (name === 'token') return '<token>'
  if (name === 'content' && typeof value === 'string' && value.length > 24) return `${value.slice(0, 24)}…`
  return value instanceof Uint8Array ? `${value.length} bytes` : value
}

function shorten(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength - 1)}…` : text
}
