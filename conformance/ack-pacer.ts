// Acknowledges what arrives on one connection: one cumulative ack per conversation and batch, as slowly as the rates want.
import type { Limits } from '../protocol/index.ts'

export interface Acknowledged {
  conv: string
  epoch: string
  seq: number
}

export type AckRates = Pick<Limits, 'frameRatePerSecond' | 'frameBurst'>

/** Of the announced rates: they are counted per user, whose other frames and connections want their part. */
const share = 1 / 4

export class AckPacer {
  readonly #write: (ack: Acknowledged) => void
  readonly #nowMs: () => number
  /** What came and is not acknowledged, the oldest first, by conversation and epoch. */
  readonly #due = new Map<string, Acknowledged>()
  #perMs = Number.POSITIVE_INFINITY
  #most = Number.POSITIVE_INFINITY
  /** Acks that may be written now. */
  #left = Number.POSITIVE_INFINITY
  #countedAtMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(write: (ack: Acknowledged) => void, nowMs: () => number = () => performance.now()) {
    this.#write = write
    this.#nowMs = nowMs
  }

  /** What the server announces; until then nothing is held back. */
  limit({ frameRatePerSecond, frameBurst }: AckRates): void {
    this.#perMs = (frameRatePerSecond * share) / 1_000
    this.#most = Math.max(1, Math.floor(frameBurst * share))
    this.#left = this.#most
    this.#countedAtMs = this.#nowMs()
  }

  arrived({ conv, epoch, seq }: Acknowledged): void {
    const key = `${conv} ${epoch}`
    const seqSoFar = this.#due.get(key)?.seq ?? 0
    this.#due.set(key, { conv, epoch, seq: Math.max(seq, seqSoFar) })
  }

  /** A batch is over: acknowledges what may be acknowledged now, and the rest as soon as the rates allow. */
  flush(): void {
    if (this.#due.size === 0 || this.#timer !== undefined) return
    this.#refill()
    for (const [key, ack] of this.#due) {
      if (this.#left < 1) return this.#flushLater()
      this.#left -= 1
      this.#due.delete(key)
      this.#write(ack)
    }
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#due.clear()
  }

  #refill(): void {
    const now = this.#nowMs()
    const since = now - this.#countedAtMs
    if (since > 0) this.#left = Math.min(this.#most, this.#left + since * this.#perMs)
    this.#countedAtMs = now
  }

  #flushLater(): void {
    const waitMs = Math.ceil((1 - this.#left) / this.#perMs)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.flush()
    }, waitMs)
  }
}
