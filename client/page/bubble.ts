// One message on the page: its bubble, its time, and how far it has come.
import type { Content, Milliseconds } from '../../protocol/index.ts'
import { make } from './elements.ts'
import type { Mark } from './receipts.ts'

export interface BubbleOptions {
  msgId: string
  from: string
  content: Content
  isMine: boolean
  /** In a group. */
  showsSender: boolean
}

const words: Readonly<Record<Mark, string>> = {
  pending: 'Pending',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
}

export class Bubble {
  readonly element = make('li', { className: 'message', testId: 'message' })
  /** In view when the end of the message is. */
  readonly foot = make('p', { className: 'foot' })
  readonly isMine: boolean
  readonly #time = make('time')
  readonly #mark = make('span', { className: 'mark', testId: 'mark' })

  constructor({ msgId, from, content, isMine, showsSender }: BubbleOptions) {
    this.isMine = isMine
    this.element.dataset.msgId = msgId
    this.element.dataset.mine = String(isMine)
    const body = make('div', { className: 'bubble' })
    const sender = make('p', {
      className: isMine || !showsSender ? 'unseen' : 'sender',
      text: isMine ? 'You' : from,
    })
    const text = make('p', { className: 'text', testId: 'message-text', text: textOf(content) })
    text.dir = 'auto'
    this.foot.append(this.#time)
    if (isMine) this.foot.append(this.#mark)
    body.append(sender, text, this.foot)
    this.element.append(body)
    if (isMine) this.mark('pending')
  }

  /** The server gave it its place. */
  placed(seq: number, timestamp: Milliseconds): void {
    this.element.dataset.seq = String(seq)
    const when = new Date(timestamp)
    this.#time.dateTime = when.toISOString()
    this.#time.textContent = timeOf(when)
  }

  /** `others`: how many have come so far, where it may be more than one. */
  mark(mark: Mark, others?: number): void {
    if (!this.isMine) return
    this.element.dataset.mark = mark
    const isMany = others !== undefined && (mark === 'delivered' || mark === 'read')
    this.#mark.textContent = isMany
      ? `${words[mark]} by ${others}`.replace('Delivered by', 'Delivered to')
      : words[mark]
  }

  /** It will never be sent, unless the person says so. */
  refused(why: string, again: () => void): void {
    this.element.dataset.mark = 'refused'
    this.#mark.textContent = 'Not sent'
    const retry = make('button', { className: 'quiet', testId: 'try-again', text: 'Try again' })
    retry.type = 'button'
    retry.addEventListener('click', again)
    const reason = make('p', { className: 'refusal', testId: 'refusal', text: why })
    reason.append(' ', retry)
    this.element.append(reason)
  }
}

function textOf(content: Content): string {
  return typeof content === 'string' ? content : `(${content.length} bytes that are no text)`
}

function timeOf(when: Date): string {
  const isToday = when.toDateString() === new Date().toDateString()
  return new Intl.DateTimeFormat(undefined, {
    timeStyle: 'short',
    ...(!isToday && { dateStyle: 'medium' }),
  }).format(when)
}
