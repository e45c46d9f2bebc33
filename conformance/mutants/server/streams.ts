// What a connection gets of each conversation: replays first, then live, never more than its window holds.
import type { Cursor, Msg, ServerMessage } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { type Conversation, isGroup, messagesFor, nextFor, topFor, topOf } from './disk.ts'
import { report } from './receipts.ts'

export interface Stream {
  conversation: Conversation
  /** Everything up to here was written, or is none of this connection's business. */
  position: number
  mode: 'live' | 'replay' | 'paused'
  /** Seqs that were written and not acknowledged. */
  flight: Set<number>
  /** Seqs that this connection itself sent. */
  own: Set<number>
  /** What is up to here was accepted before the replay. */
  oldUpTo: number
}

export interface Replay {
  kind: 'replay'
  stream: Stream
  cursor: Cursor
  from: number
  gap?: { from: number; to: number; reason: 'overflow' | 'epoch' | 'future' }
  /** Of a `sync`. */
  id?: number
  limit: number
  written: number
  isBegun: boolean
  /** [M36] */
  isBackwards?: boolean
}

export type Task = Replay | { kind: 'live'; id?: number }

export function streamOf(connection: Connection, conversation: Conversation): Stream {
  const known = connection.streams.get(conversation.id)
  if (known) return known
  const position = connection.server.disk.position(connection.device, conversation.id)
  const flight = new Set<number>()
  const stream: Stream = { conversation, position, mode: 'live', flight, own: new Set(), oldUpTo: 0 }
  connection.streams.set(conversation.id, stream)
  return stream
}

/** How to continue at a cursor, or what is missing if that cannot be. `sync` has an `id` and a `limit`. */
export function plan(connection: Connection, cursor: Cursor, sync?: { id: number; limit: number }): Replay {
  const { server, user } = connection
  const { has, options } = server
  const conversation = server.disk.open(cursor.conv)
  const stream = streamOf(connection, conversation)
  const replay = {
    kind: 'replay' as const,
    stream,
    cursor,
    limit: Number.POSITIVE_INFINITY,
    ...sync,
    written: 0,
    isBegun: false,
  }
  if (!sync) stream.mode = 'replay'
  const top = topFor(conversation, user)
  const cursorSeq = has('M18') ? cursor.seq | 0 : cursor.seq
  const isForeign = cursor.epoch !== conversation.epoch && !has('M44')
  if (!isForeign && cursorSeq > top) {
    if (has('M150')) return { ...replay, from: top }
    return { ...replay, from: top, gap: { from: top, to: cursor.seq, reason: 'future' } }
  }
  const known = has('M274') ? (server.memory.seqs.get(`${connection.device} ${cursor.conv}`) ?? 0) : 0
  const after = isForeign ? 0 : Math.max(known, has('M275') && !sync ? Math.max(0, cursorSeq - 1) : cursorSeq)
  const missed = messagesFor(conversation, user, after)
  const { offlineMax } = options.limits
  const most = has('M122') ? Math.max(1, offlineMax - waitingElsewhere(connection, cursor.conv)) : offlineMax
  const newest = sync ? missed : missed.slice(-most)
  if (has('B26') && isForeign) return { ...replay, from: top, gap: { from: 0, to: top, reason: 'epoch' } }
  const from = newest.length < missed.length ? (newest[0]?.seq ?? 1) - 1 : after
  if (isForeign) return { ...replay, from, gap: { from: 0, to: from, reason: 'epoch' } }
  if (from > after && !has('M38'))
    return { ...replay, from, gap: { from: after, to: from, reason: 'overflow' } }
  return { ...replay, from }
}

/** [M122] What waits for this device in other conversations. */
function waitingElsewhere({ server, user, device }: Connection, conv: string): number {
  const { disk } = server
  const others = [...(disk.ofUser.get(user) ?? [])].filter((id) => id !== conv)
  return others.reduce(
    (sum, id) => sum + messagesFor(disk.open(id), user, disk.position(device, id)).length,
    0,
  )
}

/** Writes whatever may be written now. */
export function pump(connection: Connection): void {
  for (let task = connection.tasks[0]; task; task = connection.tasks[0]) {
    if (!connection.hasSession || !perform(connection, task)) return note(connection)
    if (connection.tasks[0] === task) connection.tasks.shift()
  }
  for (const stream of connection.streams.values()) flow(connection, stream)
  note(connection)
}

/** After a message of this conversation was accepted. */
export function flow(connection: Connection, stream: Stream): void {
  if (stream.mode !== 'live' || !connection.hasSession || connection.isLate) return
  while (step(connection, stream)) if (connection.server.has('M35')) forget(connection, stream)
  note(connection)
}

/** [M35] Taken as delivered because it was written. */
function forget({ server, device }: Connection, { conversation, position }: Stream): void {
  server.disk.setPosition(device, conversation.id, position)
}

function perform(connection: Connection, task: Task): boolean {
  const { server } = connection
  if (task.kind === 'live') {
    if (task.id !== undefined) connection.write({ type: 'live', id: task.id })
    else {
      if (!server.has('M120')) connection.write({ type: 'live' })
      connection.state = 'live'
      server.isLive(connection)
    }
    return true
  }
  if (!task.isBegun) start(connection, task)
  return replay(connection, task)
}

function start(connection: Connection, task: Replay): void {
  const { stream } = task
  task.isBegun = true
  stream.position = task.from
  stream.mode = 'replay'
  stream.oldUpTo = topOf(stream.conversation)
  stream.own.clear()
  connection.inFlight -= release(stream, task.from)
}

function replay(connection: Connection, task: Replay): boolean {
  const { server, user } = connection
  const { stream } = task
  if (task.isBackwards && backwards(connection, stream)) return false
  while (task.written < task.limit || server.has('M117')) {
    const passed = stream.position
    if (!step(connection, stream, true)) {
      if (nextFor(stream.conversation, user, passed)) return false
      break
    }
    if (server.has('M35')) forget(connection, stream)
    task.written++
    if (server.has('B04') && isNextTurn(connection, task)) return true
  }
  const isComplete = nextFor(stream.conversation, user, stream.position) === undefined
  if (isComplete) tellEnd(connection, task)
  connection.write(synced(connection, task, isComplete || server.has('M117')))
  stream.mode = isComplete || server.has('M118') ? 'live' : 'paused'
  return true
}

/** [B04] Some messages of one conversation, then some of the next. */
function isNextTurn({ tasks }: Connection, task: Replay): boolean {
  const end = tasks.findIndex(({ kind }) => kind === 'live')
  if (task.written % 2 > 0 || end < 2) return false
  tasks.splice(end - 1, 0, ...tasks.splice(0, 1))
  return true
}

/** [M36] What is beyond the window comes with the newest first. */
function backwards(connection: Connection, stream: Stream): boolean {
  const { limits } = connection.server.options
  const rest = messagesFor(stream.conversation, connection.user, stream.position)
  if (rest.length <= limits.window || connection.inFlight > 0) return connection.inFlight >= limits.window
  for (const message of rest.slice(-limits.window).reverse())
    put(connection, stream, { type: 'msg', ...message })
  return true
}

function synced(connection: Connection, task: Replay, isComplete: boolean): ServerMessage {
  const { server, user } = connection
  const { stream, cursor, from, gap, id } = task
  const { conversation } = stream
  const top = topFor(conversation, user) + (server.has('M105') ? server.pendingIn(conversation.id) : 0)
  return {
    type: 'synced',
    conv: cursor.conv,
    epoch: conversation.epoch,
    from,
    to: isComplete ? Math.max(from, topFor(conversation, user)) : stream.position,
    top,
    complete: isComplete,
    recovered: gap === undefined,
    ...(gap && { gap }),
    ...(id !== undefined && !server.has('M192') && { id }),
    ...(connection.wantsReceipts &&
      !server.has('M193') && { read: server.disk.report('read', user, cursor.conv) }),
  }
}

/** [GRP-23] The end of a membership that the device has missed. */
function tellEnd(connection: Connection, { stream: { conversation }, from, id }: Replay): void {
  if (!isGroup(conversation.id) || id !== undefined || connection.server.has('M194')) return
  const { user } = connection
  const last = conversation.windows.get(user)?.at(-1)
  if (!last?.change || last.to <= from) return
  const { id: conv, epoch } = conversation
  connection.write({ type: 'membership', conv, epoch, user, change: last.change, seq: last.to })
}

/** Writes the next message of a stream, if there is one and the window lets it out. */
function step(connection: Connection, stream: Stream, isReplay = false): boolean {
  const { server, user } = connection
  const { window } = server.options.limits
  const message = nextFor(stream.conversation, user, stream.position)
  if (!message || !connection.hasSession) return false
  const { seq } = message
  if (stream.own.delete(seq)) {
    stream.position = seq
    return true
  }
  const isFull = connection.inFlight >= window && !stream.flight.has(seq)
  if (isFull && !isReplay && (server.has('B35') || server.has('M262'))) return skipTo(connection, stream)
  if (isFull && server.has('M243') && isGroup(stream.conversation.id)) {
    stream.position = seq
    return true
  }
  if (isFull && server.has('M60')) {
    stream.position = seq
    return true
  }
  if (isFull && !server.has('M61')) return false
  stream.position = seq
  const isOld = isReplay && seq <= stream.oldUpTo && !server.has('M195')
  put(connection, stream, { type: 'msg', ...message, ...((isOld || server.has('B16')) && { replay: isOld }) })
  return true
}

/** [B35] Says what is not delivered, and delivers nothing until the client asks. [M262] Goes on behind it. */
function skipTo(connection: Connection, stream: Stream): boolean {
  const { conversation, position: from } = stream
  const to = topFor(conversation, connection.user)
  connection.write({
    type: 'gap',
    conv: conversation.id,
    epoch: conversation.epoch,
    from,
    to,
    reason: 'overflow',
  })
  if (connection.server.has('M262')) stream.position = to
  else stream.mode = 'paused'
  return false
}

function put(connection: Connection, stream: Stream, msg: Msg): void {
  const { has } = connection.server
  if (has('M133')) report(connection, stream.conversation, 'delivered', msg.seq)
  if (!stream.flight.has(msg.seq)) {
    stream.flight.add(msg.seq)
    connection.inFlight++
  }
  if (has('M250') && msg.replay) connection.write({ ...msg, from: connection.user })
  else if (has('M104') && msg.replay) connection.write({ ...msg, timestamp: Date.now() })
  else if (has('M82') && typeof msg.content === 'string')
    connection.write({ ...msg, content: msg.content.replace(/\p{Cc}/gu, '') })
  else if (has('M81') && msg.meta && connection.encoding === 'json') connection.write(withoutMeta(msg))
  else connection.write(msg)
}

function withoutMeta({ meta: _meta, ...msg }: Msg): Msg {
  return msg
}

/** Takes out of flight what is acknowledged up to `seq`, and gives how much that was. */
export function release(stream: Stream, seq: number, isOne = false): number {
  const before = stream.flight.size
  if (isOne) stream.flight.delete(seq)
  else for (const one of stream.flight) if (one <= seq) stream.flight.delete(one)
  return before - stream.flight.size
}

/** Since when the window is exhausted. */
function note(connection: Connection): void {
  const isFull = connection.inFlight >= connection.server.options.limits.window
  connection.exhaustedSinceMs = isFull ? (connection.exhaustedSinceMs ?? performance.now()) : undefined
}
