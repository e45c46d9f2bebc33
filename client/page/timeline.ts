// The messages of one conversation in the server's order, each once; what has no place yet comes last.
import type { Message, Milliseconds, Page, Seq } from '../../protocol/index.ts'
import type { Discontinuity, PendingSend, Refused, SentInfo } from '../index.ts'
import { Bubble } from './bubble.ts'
import { make } from './elements.ts'
import { Gap } from './gap.ts'
import type { Mark } from './receipts.ts'
import { refusalInWords } from './words.ts'

export interface TimelineOptions {
  list: HTMLOListElement
  /** The element that scrolls. */
  view: HTMLElement
  me: string
  markOf: (message: { conv: string; epoch: string; seq: Seq }) => [Mark, number]
  /** A message of somebody else is on the page. */
  shown: (foot: HTMLElement, message: Message) => void
  sendAgain: (send: PendingSend) => void
  /** Answered by `filled`. */
  fill: (gap: Gap) => void
  /** Ends what goes on by itself. */
  signal: AbortSignal
}

interface Place {
  /** Of the epoch, in the order in which epochs were seen. */
  rank: number
  seq: Seq
  /** Notices stand after the message that was the last one at the time. */
  isNotice: boolean
}

interface Entry extends Place {
  element: HTMLElement
  epoch?: string
  bubble?: Bubble
  send?: PendingSend
}

/** Distance from the end, in pixels, within which new messages are followed. */
const nearEndPx = 80

const atTheEnd: Place = { rank: Number.POSITIVE_INFINITY, seq: 0, isNotice: false }

export class Timeline {
  readonly #options: TimelineOptions
  #conv = ''
  /** In the order of the page. */
  #entries: Entry[] = []
  /** By sender and msgId. */
  readonly #known = new Map<string, Entry>()
  readonly #epochs: string[] = []

  constructor(options: TimelineOptions) {
    this.#options = options
    followEnd(options.view, options.signal)
  }

  /** Empties the page for a conversation. */
  begin(conv: string): void {
    this.#conv = conv
    this.#entries = []
    this.#known.clear()
    this.#epochs.length = 0
    this.#options.list.replaceChildren()
  }

  message(message: Message): void {
    const { me, shown } = this.#options
    const isMine = message.from === me
    const key = `${message.from}/${message.msgId}`
    const known = this.#known.get(key)
    if (known) {
      this.#settle(known, message)
      return
    }
    const bubble = this.#bubble(message, isMine)
    this.#known.set(key, this.#placed(message, bubble))
    if (isMine) this.#mark(bubble, message)
    else shown(bubble.foot, message)
  }

  pending(send: PendingSend): void {
    const { me } = this.#options
    const key = `${me}/${send.msgId}`
    if (this.#known.has(key)) return
    const bubble = this.#bubble({ ...send, from: me }, true)
    const entry = { ...atTheEnd, element: bubble.element, bubble, send }
    this.#known.set(key, entry)
    this.#insert(entry, { follow: true })
  }

  sent(sent: SentInfo): void {
    const entry = this.#known.get(`${this.#options.me}/${sent.msgId}`)
    if (entry) this.#settle(entry, sent)
  }

  refused(msgId: string, error: Refused): void {
    const entry = this.#known.get(`${this.#options.me}/${msgId}`)
    const send = entry?.send
    if (!entry || !send) return
    const isFollowed = isNearEnd(this.#options.view)
    entry.bubble?.refused(refusalInWords(error, send.to ?? this.#conv), () => {
      this.forget(msgId)
      this.#options.sendAgain(send)
    })
    if (isFollowed) this.#options.view.scrollTop = this.#options.view.scrollHeight
  }

  /** An own message that was never sent. */
  forget(msgId: string): void {
    const key = `${this.#options.me}/${msgId}`
    const entry = this.#known.get(key)
    if (!entry) return
    this.#remove(entry)
    this.#known.delete(key)
  }

  /** Somebody got or read more. */
  marksMoved(): void {
    for (const { bubble, epoch, seq } of this.#entries) {
      if (bubble?.isMine && epoch !== undefined) this.#mark(bubble, { epoch, seq })
    }
  }

  discontinuity(discontinuity: Discontinuity): void {
    const gap = new Gap(discontinuity, this.#options.fill)
    // The same numbers will come again, for other messages.
    if (discontinuity.reason === 'future') this.#epochs[this.#rank(gap.epoch)] = ''
    this.#insertGap(gap)
  }

  /** A page of what is missing, newest first. */
  filled(gap: Gap, { items, complete }: Page): void {
    const entry = this.#entries.find(({ element }) => element === gap.element)
    if (!entry) return
    this.keepingView(() => {
      for (const message of items) this.message(message)
      this.#remove(entry)
      gap.shrink((items.at(-1)?.seq ?? gap.to + 1) - 1, { isFinal: complete })
      if (gap.to > gap.from) this.#insertGap(gap)
    })
  }

  notice(text: string, testId: string): void {
    const last = this.#entries.findLast((entry) => entry.rank !== atTheEnd.rank)
    const { rank, seq } = last ?? { rank: 0, seq: 0 }
    this.#insert({ element: make('li', { className: 'notice', testId, text }), rank, seq, isNotice: true })
  }

  /** The first message that is shown of the epoch that came last. */
  oldestSeq(): Seq | undefined {
    const rank = this.#epochs.length - 1
    return this.#entries.find((entry) => entry.rank === rank && entry.bubble)?.seq
  }

  /** What `add` puts before the messages in view does not move them. */
  keepingView(add: () => void): void {
    const { view } = this.#options
    const fromEnd = view.scrollHeight - view.scrollTop
    add()
    view.scrollTop = view.scrollHeight - fromEnd
  }

  #bubble(of: { msgId: string; from: string; content: Message['content'] }, isMine: boolean): Bubble {
    const { msgId, from, content } = of
    return new Bubble({ msgId, from, content, isMine, showsSender: this.#conv.startsWith('g:') })
  }

  #placed(at: { epoch: string; seq: Seq; timestamp: Milliseconds }, bubble: Bubble): Entry {
    bubble.placed(at.seq, at.timestamp)
    const place = { rank: this.#rank(at.epoch), seq: at.seq, isNotice: false }
    const entry: Entry = { ...place, element: bubble.element, bubble, epoch: at.epoch }
    this.#insert(entry)
    return entry
  }

  #settle(entry: Entry, at: { epoch: string; seq: Seq; timestamp: Milliseconds }): void {
    const { bubble } = entry
    if (!bubble || entry.epoch !== undefined) return
    bubble.placed(at.seq, at.timestamp)
    this.#entries.splice(this.#entries.indexOf(entry), 1)
    Object.assign(entry, { rank: this.#rank(at.epoch), seq: at.seq, epoch: at.epoch })
    this.#insert(entry, { follow: true })
    this.#mark(bubble, at)
  }

  #mark(bubble: Bubble, { epoch, seq }: { epoch: string; seq: Seq }): void {
    const [mark, others] = this.#options.markOf({ conv: this.#conv, epoch, seq })
    bubble.mark(mark, this.#conv.startsWith('g:') ? others : undefined)
  }

  #rank(epoch: string): number {
    const known = this.#epochs.indexOf(epoch)
    return known >= 0 ? known : this.#epochs.push(epoch) - 1
  }

  #insert(entry: Entry, { follow = false } = {}): void {
    const { list, view } = this.#options
    const isFollowed = follow || isNearEnd(view)
    const index = this.#entries.findLastIndex((other) => !isBefore(entry, other)) + 1
    const next = this.#entries[index]?.element ?? null
    this.#entries.splice(index, 0, entry)
    // Moving what is in its place already would take the focus and the selection away.
    if (entry.element.parentElement !== list || entry.element.nextElementSibling !== next) {
      list.insertBefore(entry.element, next)
    }
    if (isFollowed) view.scrollTop = view.scrollHeight
  }

  #insertGap(gap: Gap): void {
    const seq = gap.isNewCount ? 0 : gap.to
    this.#insert({ element: gap.element, rank: this.#rank(gap.epoch), seq, isNotice: true })
  }

  #remove(entry: Entry): void {
    this.#entries.splice(this.#entries.indexOf(entry), 1)
    entry.element.remove()
  }
}

/** The keyboard of a phone, or a turn of it, does not hide what was in view last. */
function followEnd(view: HTMLElement, signal: AbortSignal): void {
  let isAtEnd = true
  const scrolled = () => {
    isAtEnd = isNearEnd(view)
  }
  view.addEventListener('scroll', scrolled, { signal })
  const resizing = new ResizeObserver(() => {
    if (isAtEnd) view.scrollTop = view.scrollHeight
  })
  resizing.observe(view)
  signal.addEventListener('abort', () => resizing.disconnect())
}

function isNearEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight < nearEndPx
}

function isBefore(a: Place, b: Place): boolean {
  if (a.rank !== b.rank) return a.rank < b.rank
  if (a.seq !== b.seq) return a.seq < b.seq
  return !a.isNotice && b.isNotice
}
