// Many messages in few words: sending them within the limits, finding their deliveries, and what to compare.
import { type Content, type Cursor, errors, type Msg } from '../protocol/index.ts'
import { randomUUID } from 'node:crypto'
import type { CaseContext } from './context.ts'
import { quiet } from './deadline.ts'
import { expectAnswer } from './expect.ts'
import type { FrameOf } from './match.ts'
import { Finding } from './outcome.ts'
import type { Position, SendOptions, Session, Target } from './session.ts'

export type Sent = FrameOf<'sent'>
export type Batch = [Sent, ...Sent[]]
export type Destination = Target | { conv: string }

/** Sends that await their answer at a time, if `sendWindow` allows so many. */
const inFlight = 50
const atATime = 3
/** After a refusal for the rate that does not say when to come again. */
const defaultRetryMs = 100

/** Sends so many texts, a few at a time, and again what came too fast; the answers in the order of their seqs. */
export function sendAll(sender: Session, to: Destination, count: number): Promise<Batch> {
  return quiet(sendInChunks(sender, to, count))
}

async function sendInChunks(sender: Session, to: Destination, count: number): Promise<Batch> {
  const texts = Array.from({ length: count }, (_, index) => `message ${index + 1}`)
  const atOnce = Math.max(1, Math.min(inFlight, sender.welcome.limits.sendWindow))
  const sents: Sent[] = []
  for (let at = 0; at < count; at += atOnce) {
    const some = texts.slice(at, at + atOnce)
    sents.push(...(await Promise.all(some.map((text) => sendPatiently(sender, to, text)))))
  }
  return sents.sort((a, b) => a.seq - b.seq) as Batch
}

/** Sends these contents one after the other. */
export async function sendEach(
  sender: Session,
  to: Destination,
  contents: readonly [Content, ...Content[]],
): Promise<Batch> {
  const sents: Sent[] = []
  for (const content of contents) sents.push(await sendPatiently(sender, to, content))
  return sents as Batch
}

/** Sends without a pause, a few at a time, for as long as something takes, and then once more. */
export async function sendDuring<T>(
  something: Promise<T>,
  sender: Session,
  to: Destination,
): Promise<[T, Batch]> {
  let isOver = false
  const over = quiet(something.finally(() => (isOver = true)))
  const sents = await sendAll(sender, to, 1)
  while (!isOver) sents.push(...(await sendAll(sender, to, atATime)))
  sents.push(...(await sendAll(sender, to, 1)))
  return [await over, sents]
}

/** One message that has to be accepted, if not at once then when the rate allows it. */
export async function sendPatiently(
  sender: Session,
  to: Destination,
  content: Content,
  options: SendOptions = {},
): Promise<Sent> {
  for (const msgId = options.msgId ?? randomUUID(); ; ) {
    const reply = await sender.send(to, content, { ...options, msgId })
    if (reply.type === 'sent') return reply
    if (reply.type !== 'error' || reply.code !== errors.TOO_MANY_REQUESTS.code)
      throw new Finding(expectAnswer(reply, 'sent'))
    await sender.ended(reply.retryAfterMs ?? defaultRetryMs)
  }
}

/** At most so many that they can be sent at once, and lie unacknowledged on a connection. */
export function atMost(count: number, { limits }: CaseContext): number {
  return Math.max(1, Math.min(count, limits.sendWindow, limits.sendBurst, limits.window - 1))
}

/** What `session` received of these messages so far, in the order of arrival, repeats included. */
export function copies(session: Session, messages: readonly { msgId: string }[]): Msg[] {
  const wanted = new Set(messages.map(({ msgId }) => msgId))
  return session.seen('msg', ({ msgId }) => wanted.has(msgId))
}

/** Waits until all of them have arrived, and for what was queued behind; then as `copies`. */
export async function arrivals(
  session: Session,
  messages: readonly { msgId: string; conv: string }[],
): Promise<Msg[]> {
  for (const message of messages) await session.delivery(message)
  // No sentinel: it would be a message too many.
  await session.fence()
  return copies(session, messages)
}

/** The first seq of a conversation: 1, unless its users come from a list and may have talked before. */
export function firstSeq({ target }: CaseContext, [first]: readonly { seq: number }[]): number {
  return target.tokens.users && first ? first.seq : 1
}

export function msgIds(messages: readonly { msgId: string }[]): string[] {
  return messages.map(({ msgId }) => msgId)
}

export function seqs(messages: readonly { seq: number }[]): number[] {
  return messages.map(({ seq }) => seq)
}

/** Some fields of a frame, those that are to be compared. */
export function pick<F extends object, N extends keyof F>(frame: F, ...names: readonly N[]): Pick<F, N> {
  return Object.fromEntries(names.map((name) => [name, frame[name]])) as Pick<F, N>
}

/** Everything up to this message. */
export function cursorAt({ conv, epoch, seq }: Position): Cursor {
  return { conv, epoch, seq }
}

/** Everything before this message. */
export function cursorBefore({ conv, epoch, seq }: Position): Cursor {
  return { conv, epoch, seq: seq - 1 }
}

/** An epoch that the server has not given out. */
export function otherEpoch(epoch: string): string {
  return epoch === 'another' ? 'yet-another' : 'another'
}
