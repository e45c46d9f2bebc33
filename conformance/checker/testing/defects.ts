// One thing goes wrong in a history: what a defective server would have shown, and the rules that have to find it.
import { bodyHash } from '../body-hash.ts'
import type { DeliverEvent, HistoryEvent, PageEvent, SentEvent } from '../events.ts'
import type { HistoryRule } from '../rules.ts'

export interface Defect {
  name: string
  /** At least one of these has to find it. */
  rules: readonly HistoryRule[]
  /** A history with the defect, or undefined if there is no place for it; `pick` chooses among the places. */
  inject(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined
}

export const defects: readonly Defect[] = [
  { name: 'a delivery is dropped', rules: ['H7', 'H8', 'H14'], inject: drop },
  { name: 'a delivery is repeated', rules: ['H7'], inject: repeat },
  { name: 'two deliveries change places', rules: ['H7', 'H14'], inject: swap },
  { name: 'a delivered body is altered', rules: ['H3'], inject: alterDelivery },
  { name: 'a body in history is altered', rules: ['H3'], inject: alterPage },
  { name: 'a message leaks to somebody else', rules: ['H10'], inject: leak },
  { name: 'a seq is given twice', rules: ['H1', 'H3', 'H5', 'H6', 'H12'], inject: reuseSeq },
  { name: 'a message is stored twice', rules: ['H1'], inject: storeTwice },
  { name: 'a seq is left out', rules: ['H4', 'H7'], inject: leaveHole },
  { name: 'the final log loses a message', rules: ['H1'], inject: lose },
  { name: 'a message comes from nowhere', rules: ['H2'], inject: invent },
  { name: 'a refused message appears', rules: ['H2'], inject: refuse },
]

function drop(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const epoch = lastEpoch(events)
  const places = deliveries(events).filter((event) => {
    const isOnly = deliveries(events).every(
      (other) => other === event || !isSameDevice(other, event) || !isSamePlace(other, event),
    )
    // What a device has sent itself, it may know without its delivery.
    const isOwed = isDirect(event) && event.epoch === epoch && event.from !== event.user
    return isOwed && isOnly && !isSyncing(events, event) && isMissed(events, event)
  })
  const chosen = choose(places, pick)
  if (chosen === undefined) return undefined
  // What never came is not acknowledged.
  const isAck = (event: HistoryEvent) =>
    event.kind === 'ack' && event.connection === chosen.connection && isSamePlace(event, chosen)
  return events.filter((event) => event !== chosen && !isAck(event))
}

/**
 * Dropped at the end of a connection it would look like a cut, in a replay that was cut like a gap about to be
 * announced, and before a cursor like a lie of the client.
 */
function isMissed(events: readonly HistoryEvent[], dropped: DeliverEvent): boolean {
  if (!events.some((event) => event.kind === 'live' && event.connection === dropped.connection)) return false
  const later = events.slice(events.indexOf(dropped) + 1)
  const next = later.find(
    (event) =>
      (event.kind === 'deliver' && event.connection === dropped.connection && event.conv === dropped.conv) ||
      (event.kind === 'close' && event.connection === dropped.connection) ||
      (event.kind === 'sync' && event.connection === dropped.connection),
  )
  if (next !== undefined) return next.kind === 'deliver' && next.seq > dropped.seq
  return later.some(({ kind }) => kind === 'quiet')
}

function repeat(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const places = deliveries(events).filter((event) => !isSyncing(events, event))
  const chosen = choose(places, pick)
  return chosen && events.flatMap((event) => (event === chosen ? [event, event] : [event]))
}

function swap(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const places = deliveries(events).flatMap((first) => {
    if (isSyncing(events, first)) return []
    const second = deliveries(events).find(
      (other) => other.connection === first.connection && other.conv === first.conv && other.ms > first.ms,
    )
    const isLater = second !== undefined && second.seq > first.seq && second.epoch === first.epoch
    return isLater && !isSyncing(events, second) ? [{ first, second }] : []
  })
  const chosen = choose(places, pick)
  if (chosen === undefined) return undefined
  const { first, second } = chosen
  return events.map((event) => {
    if (event === first) return { ...second, ms: first.ms }
    return event === second ? { ...first, ms: second.ms } : event
  })
}

function alterDelivery(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const chosen = choose(deliveries(events), pick)
  return chosen && replace(events, chosen, { ...chosen, hash: chosen.hash + 1 })
}

function alterPage(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const chosen = choose(pages(events), pick)
  if (chosen === undefined) return undefined
  const index = pick % chosen.items.length
  const items = chosen.items.map((item, at) => (at === index ? { ...item, hash: item.hash + 1 } : item))
  return replace(events, chosen, { ...chosen, items })
}

function leak(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const chosen = choose(
    deliveries(events).filter((event) => isDirect(event) && event.epoch === lastEpoch(events)),
    pick,
  )
  const stranger = events.find(
    (event) =>
      event.kind === 'live' &&
      chosen !== undefined &&
      !chosen.conv.includes(event.user) &&
      event.ms > chosen.ms,
  )
  if (chosen === undefined || stranger?.kind !== 'live') return undefined
  const { user, device, connection, ms } = stranger
  return events.flatMap((event) =>
    event === stranger ? [event, { ...chosen, user, device, connection, ms }] : [event],
  )
}

/** Every sight of one message tells the seq of another one. */
function reuseSeq(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const epoch = lastEpoch(events)
  const places = acks(events).filter((ack) => ack.epoch === epoch && !ack.duplicate)
  const chosen = choose(places, pick)
  const other = places.find((ack) => ack.conv === chosen?.conv && ack.seq !== chosen.seq)
  return chosen && other && replace(events, chosen, { ...chosen, seq: other.seq })
}

function storeTwice(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const chosen = choose(
    pages(events).filter((page) => isFinalOfDirect(events, page)),
    pick,
  )
  const [first] = chosen?.items ?? []
  const last = chosen?.items.at(-1)
  if (chosen === undefined || first === undefined || last === undefined) return undefined
  return replace(events, chosen, { ...chosen, items: [...chosen.items, { ...first, seq: last.seq + 1 }] })
}

/** Everything from some seq on is one higher. */
function leaveHole(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const chosen = choose(
    acks(events).filter((ack) => isDirect(ack) && ack.epoch === lastEpoch(events)),
    pick,
  )
  if (chosen === undefined) return undefined
  const { conv, epoch, seq: from } = chosen
  const shift = (seq: number) => (seq >= from ? seq + 1 : seq)
  const shiftIn = <At extends { conv: string; epoch: string; seq: number }>(at: At): At =>
    at.conv === conv && at.epoch === epoch ? { ...at, seq: shift(at.seq) } : at
  return events.map((event) => {
    if ('seq' in event) return shiftIn(event)
    if ('cursors' in event && event.cursors !== undefined)
      return { ...event, cursors: event.cursors.map(shiftIn) }
    if (event.kind === 'synced' && event.conv === conv && event.epoch === epoch) {
      return { ...event, from: shift(event.from), to: shift(event.to), top: shift(event.top) }
    }
    if (event.kind !== 'page' || requestOf(events, event)?.conv !== conv || event.epoch !== epoch)
      return event
    return { ...event, items: event.items.map((item) => ({ ...item, seq: shift(item.seq) })) }
  })
}

function lose(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const chosen = choose(
    pages(events).filter((page) => isFinalOfDirect(events, page)),
    pick,
  )
  if (chosen === undefined) return undefined
  const index = pick % chosen.items.length
  return replace(events, chosen, { ...chosen, items: chosen.items.filter((_, at) => at !== index) })
}

function invent(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const chosen = choose(deliveries(events), pick)
  if (chosen === undefined) return undefined
  const msgId = 'nowhere'
  const invented = { ...chosen, seq: chosen.seq + 1_000, msgId, hash: bodyHash({ content: msgId }) }
  return events.flatMap((event) => (event === chosen ? [event, invented] : [event]))
}

/** An ack becomes a definite error, and yet the message was seen. */
function refuse(events: readonly HistoryEvent[], pick: number): HistoryEvent[] | undefined {
  const places = acks(events).filter((ack) => {
    const attempts = events.filter(
      (event) => event.kind === 'send' && event.user === ack.user && event.msgId === ack.msgId,
    )
    return (
      attempts.length === 1 &&
      deliveries(events).some(({ from, msgId }) => from === ack.user && msgId === ack.msgId)
    )
  })
  const chosen = choose(places, pick)
  if (chosen === undefined) return undefined
  const { ms, user, device, connection, id } = chosen
  return replace(events, chosen, {
    kind: 'error',
    ms,
    user,
    device,
    connection,
    id,
    code: 104,
    definite: true,
  })
}

function deliveries(events: readonly HistoryEvent[]): DeliverEvent[] {
  return events.filter((event) => event.kind === 'deliver')
}

function acks(events: readonly HistoryEvent[]): SentEvent[] {
  return events.filter((event) => event.kind === 'sent')
}

function pages(events: readonly HistoryEvent[]): PageEvent[] {
  return events.filter((event) => event.kind === 'page' && event.items.length > 0) as PageEvent[]
}

function requestOf(events: readonly HistoryEvent[], { id, connection }: PageEvent) {
  return events.find(
    (event) => event.kind === 'history' && event.id === id && event.connection === connection,
  ) as Extract<HistoryEvent, { kind: 'history' }> | undefined
}

function isFinalOfDirect(events: readonly HistoryEvent[], page: PageEvent): boolean {
  const request = requestOf(events, page)
  return request?.final === true && isDirect(request)
}

/** Who belongs to a group may be in doubt, and so what it has to see. */
function isDirect({ conv }: { conv: string }): boolean {
  return conv.startsWith('d:')
}

/** Numberings that were given up are not judged to the end. The simulated server counts them from 1. */
function lastEpoch(events: readonly HistoryEvent[]): string {
  const [header] = events
  const forgets = header?.kind === 'header' && header.capabilities?.includes('durability=memory') === true
  return `e${forgets ? 1 + events.filter(({ kind }) => kind === 'fault').length : 1}`
}

/** As long as a `sync` waits for its answer, a stream may begin anew at any time. */
function isSyncing(events: readonly HistoryEvent[], { connection, ms }: DeliverEvent): boolean {
  const open = new Set<number>()
  for (const event of events) {
    if (event.kind !== 'header' && event.ms > ms) break
    if (event.kind === 'sync' && event.connection === connection) open.add(event.id)
    if (event.kind === 'live' && event.connection === connection && event.id !== undefined)
      open.delete(event.id)
  }
  return open.size > 0
}

function isSameDevice(a: DeliverEvent, b: DeliverEvent): boolean {
  return a.user === b.user && a.device === b.device
}

function isSamePlace(a: { conv: string; epoch: string; seq: number }, b: typeof a): boolean {
  return a.conv === b.conv && a.epoch === b.epoch && a.seq === b.seq
}

function choose<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items[pick % Math.max(1, items.length)]
}

function replace(events: readonly HistoryEvent[], old: HistoryEvent, by: HistoryEvent): HistoryEvent[] {
  return events.map((event) => (event === old ? by : event))
}
