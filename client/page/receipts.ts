// Who has got and read how much: kept over a reload, because the server tells each advance only once.
import type { Receipt, Seq } from '../../protocol/index.ts'

export type Mark = 'pending' | 'sent' | 'delivered' | 'read'

/** Of one conversation in one epoch, by user. */
interface Kept {
  epoch: string
  users: Record<string, Record<Receipt['kind'], Seq>>
}

export class Receipts {
  readonly #prefix: string
  readonly #kept = new Map<string, Kept>()

  constructor(prefix: string) {
    this.#prefix = `${prefix}receipts/`
  }

  add({ conv, epoch, user, kind, seq }: Receipt): void {
    const known = this.#of(conv)
    const kept = known?.epoch === epoch ? known : { epoch, users: {} }
    const marks = kept.users[user] ?? { delivered: 0, read: 0 }
    marks[kind] = Math.max(marks[kind], seq)
    kept.users[user] = marks
    this.#kept.set(conv, kept)
    localStorage.setItem(this.#prefix + conv, JSON.stringify(kept))
  }

  /** How far an accepted message of `me` has come, and with how many others. */
  markOf(me: string, { conv, epoch, seq }: { conv: string; epoch: string; seq: Seq }): [Mark, number] {
    const kept = this.#of(conv)
    if (kept?.epoch !== epoch) return ['sent', 0]
    const others = Object.entries(kept.users).filter(([user]) => user !== me)
    const read = others.filter(([, marks]) => marks.read >= seq).length
    if (read > 0) return ['read', read]
    const delivered = others.filter(([, marks]) => marks.delivered >= seq).length
    return delivered > 0 ? ['delivered', delivered] : ['sent', 0]
  }

  #of(conv: string): Kept | undefined {
    const known = this.#kept.get(conv)
    if (known) return known
    const kept = parse(localStorage.getItem(this.#prefix + conv))
    if (kept) this.#kept.set(conv, kept)
    return kept
  }
}

function parse(text: string | null): Kept | undefined {
  if (text === null) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isKept(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null || !('epoch' in value) || !('users' in value)) return false
  return typeof value.epoch === 'string' && typeof value.users === 'object' && value.users !== null
}
