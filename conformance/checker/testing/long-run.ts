// An endless run in which everything settles: pairs of users that talk, acknowledge, and reconnect now and then.
import type { DeliverEvent, HistoryEvent, SendEvent } from '../events.ts'

export interface LongRun {
  pairs: number
  messages: number
  /** A pair's receiver is cut and resumes after so many of its messages. */
  resumeEvery: number
}

interface Pair {
  sender: string
  receiver: string
  conv: string
  seq: number
  connects: number
  isOpen: boolean
}

const epoch = 'e1'

/** Five events per message: send, sent, deliver and, of sender and receiver, their acks. */
export function* longRun({ pairs: count, messages, resumeEvery }: LongRun): Generator<HistoryEvent> {
  yield { kind: 'header', format: 'chatspec-history', version: 1 }
  const pairs = Array.from({ length: count }, (_, index): Pair => {
    const [sender, receiver] = [`a${index}`, `b${index}`]
    return { sender, receiver, conv: `d:${sender}:${receiver}`, seq: 0, connects: 0, isOpen: false }
  })
  let ms = 0
  for (let number = 0; number < messages; number++) {
    const pair = pairs[number % count]
    if (pair === undefined) return
    ms += 1
    if (!pair.isOpen) yield* open(pair, ms, pair.sender)
    if (!pair.isOpen || (pair.seq > 0 && pair.seq % resumeEvery === 0)) yield* open(pair, ms, pair.receiver)
    pair.isOpen = true
    yield* say(pair, ms)
  }
}

/** The log of one pair, as a final read brings it in pages. */
export function* finalRead(
  { pair, messages, alter }: { pair: number; messages: number; alter?: number },
  pageSize = 500,
): Generator<HistoryEvent> {
  const sender = `a${pair}`
  const who = { ms: 1e9, user: sender, device: 'one', connection: `${sender}/0` }
  const conv = `d:${sender}:b${pair}`
  for (let from = 0; from < messages; from += pageSize) {
    const id = 1e9 + from
    const cursor = from === 0 ? {} : { cursor: `${conv} ${from}` }
    yield { kind: 'history', ...who, id, conv, order: 'asc', final: true, ...cursor }
    const size = Math.min(pageSize, messages - from)
    const items = Array.from({ length: size }, (_, index) => {
      const item = message(sender, from + index + 1)
      return item.seq === alter ? { ...item, hash: item.hash + 1 } : item
    })
    const complete = from + size >= messages
    const nextCursor = complete ? {} : { nextCursor: `${conv} ${from + size}` }
    yield { kind: 'page', ...who, id, epoch, items, complete, ...nextCursor }
  }
}

function* open(pair: Pair, ms: number, user: string): Generator<HistoryEvent> {
  const { conv, seq } = pair
  const isReturning = user === pair.receiver && pair.connects > 0
  const before = { ms, user, device: 'one', connection: connectionOf(pair, user) }
  if (isReturning) yield { kind: 'close', ...before, code: 1006, clean: false }
  if (user === pair.receiver) pair.connects += 1
  const who = { ms, user, device: 'one', connection: connectionOf(pair, user) }
  yield { kind: 'connect', ...who, ...(isReturning && { cursors: [{ conv, epoch, seq }] }) }
  yield { kind: 'welcome', ...who, resumed: isReturning, window: 256 }
  if (isReturning) {
    yield {
      kind: 'synced',
      ...who,
      conv,
      epoch,
      from: seq,
      to: seq,
      top: seq,
      complete: true,
      recovered: true,
    }
  }
  yield { kind: 'live', ...who }
}

function* say(pair: Pair, ms: number): Generator<HistoryEvent> {
  pair.seq += 1
  const { sender, receiver, conv, seq } = pair
  const from = { ms, user: sender, device: 'one', connection: connectionOf(pair, sender) }
  const to = { ms, user: receiver, device: 'one', connection: connectionOf(pair, receiver) }
  const { msgId, hash, timestamp } = message(sender, seq)
  const position = { conv, epoch, seq }
  const send: SendEvent = { kind: 'send', ...from, id: seq, msgId, conv, hash }
  const deliver: DeliverEvent = { kind: 'deliver', ...to, ...position, from: sender, msgId, hash, timestamp }
  yield send
  yield { kind: 'sent', ...from, ...position, id: seq, msgId, timestamp, duplicate: false }
  yield deliver
  yield { kind: 'ack', ...to, ...position }
  yield { kind: 'ack', ...from, ...position }
}

function message(sender: string, seq: number) {
  return {
    seq,
    from: sender,
    msgId: `${sender}-${seq}-0000-4000-8000`,
    hash: seq * 7_919,
    timestamp: 1_000 + seq,
  }
}

function connectionOf({ sender, connects }: Pair, user: string): string {
  return user === sender ? `${user}/0` : `${user}/${connects}`
}
