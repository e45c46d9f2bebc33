// Who has got and read how much: the most that any receipt said, whenever it came; kept over a reload, and for the
// groups that the server does not tell of again.
import type { Receipt, Seq } from '../../protocol/index.ts'

export type Mark = 'pending' | 'sent' | 'delivered' | 'read'

type Marks = Readonly<Record<Receipt['kind'], Seq>>
/** Of one conversation: by epoch, then by user. */
type Kept = Map<string, Map<string, Marks>>

/** Of one conversation. Messages of the epoch before may still be on the page, and receipts of it on their way. */
const maxEpochs = 3

export class Receipts {
  readonly #prefix: string
  readonly #area: Pick<Storage, 'getItem' | 'setItem'>
  readonly #kept = new Map<string, Kept>()

  constructor(prefix: string, area: Pick<Storage, 'getItem' | 'setItem'>) {
    this.#prefix = `${prefix}receipts/`
    this.#area = area
  }

  /** False if as much was known already: receipts are cumulative, and old ones are told again. */
  add({ conv, epoch, user, kind, seq }: Receipt): boolean {
    const kept = this.#of(conv)
    const users = kept.get(epoch) ?? new Map<string, Marks>()
    const marks = users.get(user) ?? { delivered: 0, read: 0 }
    if (seq <= marks[kind]) return false
    users.set(user, { ...marks, [kind]: seq })
    kept.set(epoch, users)
    const [oldest] = kept.keys()
    if (kept.size > maxEpochs && oldest !== undefined) kept.delete(oldest)
    this.#store(conv, kept)
    return true
  }

  /** How far an accepted message of `me` has come, and with how many others. */
  markOf(me: string, { conv, epoch, seq }: { conv: string; epoch: string; seq: Seq }): [Mark, number] {
    const others = [...(this.#of(conv).get(epoch) ?? [])].filter(([user]) => user !== me)
    const read = others.filter(([, marks]) => marks.read >= seq).length
    if (read > 0) return ['read', read]
    const delivered = others.filter(([, marks]) => marks.delivered >= seq).length
    return delivered > 0 ? ['delivered', delivered] : ['sent', 0]
  }

  #of(conv: string): Kept {
    const known = this.#kept.get(conv)
    if (known) return known
    const kept = parse(this.#area.getItem(this.#prefix + conv) ?? '')
    this.#kept.set(conv, kept)
    return kept
  }

  #store(conv: string, kept: Kept): void {
    const epochs = [...kept].map(([epoch, users]) => [epoch, [...users]])
    try {
      this.#area.setItem(this.#prefix + conv, JSON.stringify(epochs))
    } catch {
      // A full storage costs the marks of a later reload; the client tells of it when it cannot store either.
    }
  }
}

function parse(text: string): Kept {
  try {
    const stored: unknown = JSON.parse(text)
    return isStored(stored) ? new Map(stored.map(([epoch, users]) => [epoch, new Map(users)])) : new Map()
  } catch {
    return new Map()
  }
}

function isStored(value: unknown): value is [string, [string, Marks][]][] {
  return isMapLike(value, (users) => isMapLike(users, isMarks))
}

function isMapLike(value: unknown, isValue: (value: unknown) => boolean): boolean {
  if (!Array.isArray(value)) return false
  return value.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && isValue(pair[1]))
}

function isMarks(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('delivered' in value && 'read' in value)) return false
  return Number.isInteger(value.delivered) && Number.isInteger(value.read)
}
