// A session begins: SPEC.md#handshake-and-authentication, SPEC.md#resume.
import type { Cursor, Hello } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { hasPart, isGroup, isMember, nextFor, topFor } from './disk.ts'
import { arm } from './heartbeat.ts'
import { grant } from './options.ts'
import { plan, pump, streamOf, type Replay } from './streams.ts'
import { tell } from './presence.ts'
import { claimedSubject, type Identity, verify } from './tokens.ts'

/** To wait before another connection has a chance. */
const fullRetryMs = 1_000
const optionalCaps = ['presence', 'receipts']

export function hello(connection: Connection, frame: Hello): void {
  const { server } = connection
  const { has, options } = server
  const token = has('M75') ? (connection.urlToken ?? frame.token) : frame.token
  const verdict = verify(server, token)
  if (!verdict.ok && has('M302')) tell(server, claimedSubject(token), 'online', 1)
  if (!verdict.ok)
    return connection.bye(
      verdict.close,
      has('M189')
        ? `refused: ${frame.token.slice(0, 200)}`
        : has('M292')
          ? `a token of ${frame.token.length} characters`
          : 'the token is not accepted',
    )
  if (server.isDraining && !has('M153')) return connection.bye('DRAINING', 'the server stops', fullRetryMs)
  connection.identity = has('M158') ? stolen(connection, frame, verdict.identity) : verdict.identity
  connection.deviceId = frame.deviceId
  const { user } = connection
  const older = server.sessionsOf(user).find(({ deviceId }) => deviceId === frame.deviceId)
  const others = server.sessionsOf(user).length - (older ? 1 : 0)
  if (others >= options.limits.connectionsPerUser + (has('M143') ? 1 : 0)) {
    connection.identity = undefined
    return connection.bye('RATE_LIMITED', 'too many connections', fullRetryMs)
  }
  if (has('M285') && frame.caps?.some((cap) => !optionalCaps.includes(cap))) {
    connection.identity = undefined
    return connection.refuse('BAD_REQUEST', 'caps: unknown', { id: frame.id })
  }
  if (older && !has('M190')) replace(older)
  server.disk.users.add(user)
  connection.wantsPresence = server.can('presence') && (frame.caps?.includes('presence') ?? has('M160'))
  connection.wantsReceipts = server.can('receipts') && (frame.caps?.includes('receipts') ?? has('M160'))
  connection.heartbeat = grant(frame.network, frame.heartbeat)
  connection.isResumed = frame.resume !== undefined
  arm(connection)
  begin(connection, frame)
}

/** [M158] Who names a session gets it. */
function stolen({ server }: Connection, { resume }: Hello, own: Identity): Identity {
  for (const one of server.connections) if (one.sessionId === resume?.sessionId) return one.identity ?? own
  return own
}

/** [RES-07] The older connection of the same device. */
function replace(older: Connection): void {
  const { server } = older
  if (server.has('M274'))
    for (const { conversation, position } of older.streams.values())
      server.memory.seqs.set(`${older.device} ${conversation.id}`, position)
  if (server.has('M45'))
    for (const { conversation, position } of older.streams.values())
      server.disk.setPosition(older.device, conversation.id, position)
  server.left(older, !server.has('M130'))
  older.bye('SESSION_REPLACED', 'the same device connected again')
}

function begin(connection: Connection, frame: Hello): void {
  const { server, user } = connection
  connection.state = 'replaying'
  connection.isLate = server.has('M40')
  const cursors = server.can('resume') ? (frame.resume?.cursors ?? []) : []
  // Subscribe first, read the log second.
  if (!server.has('M40')) subscribe(connection)
  const replays = due(connection, cursors)
  const isWhole =
    frame.resume !== undefined &&
    replays.every(({ gap }) => !gap) &&
    cursors.every((one) => mayName(connection, one))
  if (server.has('M149') && cursors.some((one) => !mayName(connection, one)))
    return connection.bye('FORBIDDEN', 'a cursor of somebody else')
  server.entered(connection)
  const { expiresAtMs = 0 } = connection.identity ?? {}
  if (server.has('M191')) connection.write({ type: 'pong', n: 0 })
  connection.write({
    type: 'welcome',
    id: frame.id,
    sessionId: connection.sessionId,
    userId: user,
    serverTime: Date.now(),
    expiresAt: server.has('M163') ? expiresAtMs / 1000 : expiresAtMs,
    resumed: server.has('M148') ? frame.resume !== undefined : server.can('resume') && isWhole,
    caps: declared(connection),
    heartbeat: connection.heartbeat,
    limits: server.options.limits,
  })
  if (server.has('B27') && cursors.some((one) => !mayName(connection, one)))
    connection.refuse('NOT_MEMBER', 'a foreign cursor')
  if (server.has('M120')) connection.write({ type: 'live' })
  if (server.has('M242')) return replayLater(connection, replays)
  connection.tasks.push(...replays, { kind: 'live' })
  pump(connection)
  if (server.has('M40')) setTimeout(() => subscribeLate(connection), 20)
}

/** [M242] Live first, and what was missed when there is time. */
function replayLater(connection: Connection, replays: Replay[]): void {
  for (const { stream } of replays)
    Object.assign(stream, { mode: 'live', position: topFor(stream.conversation, connection.user) })
  connection.tasks.push({ kind: 'live' })
  pump(connection)
  setTimeout(() => {
    connection.tasks.push(...replays)
    pump(connection)
  }, 30)
}

function declared({ server, wantsPresence, wantsReceipts }: Connection): string[] {
  const { caps, lies } = server.options
  const all = [...new Set([...caps, ...lies])]
  const wanted = all.filter(
    (cap) => (cap !== 'presence' || wantsPresence) && (cap !== 'receipts' || wantsReceipts),
  )
  return server.has('M159') ? [...wanted, 'durability=memory'] : wanted
}

/** A stream for everything that the user takes or took part in. */
function subscribe(connection: Connection): void {
  const { server, user } = connection
  for (const id of server.disk.ofUser.get(user) ?? []) streamOf(connection, server.disk.open(id))
}

/** [M40] What was accepted meanwhile is in nobody's hands. */
function subscribeLate(connection: Connection): void {
  for (const stream of connection.streams.values())
    stream.position = topFor(stream.conversation, connection.user)
  connection.isLate = false
}

function mayName({ server, user }: Connection, { conv }: Cursor): boolean {
  return hasPart(server.disk.conversations.get(conv), conv, user)
}

/** The replays of a returning device: of what it names, and of the rest what it has not acknowledged. */
function due(connection: Connection, cursors: readonly Cursor[]): Replay[] {
  const { server, user, device } = connection
  const { disk, has } = server
  const named = new Map(cursors.filter((one) => mayName(connection, one)).map((one) => [one.conv, one]))
  const usable = new Map([...named].filter(([, one]) => isUsable(connection, one)))
  const isWorthIt = ({ conv, seq }: Cursor): boolean =>
    !has('M276') || nextFor(disk.open(conv), user, seq) !== undefined
  const replays = [...usable.values()].filter(isWorthIt).map((cursor) => plan(connection, cursor))
  for (const id of disk.ofUser.get(user) ?? []) {
    if (usable.has(id)) continue
    const conversation = disk.open(id)
    const isNew = !disk.positions.has(device)
    const isForgotten =
      (has('M121') && isNew) ||
      (has('M252') && isGroup(id)) ||
      (has('M258') && !isMember(conversation, id, user)) ||
      (has('M261') && !isGroup(id))
    if (isForgotten) disk.setPosition(device, id, topFor(conversation, user))
    const seq = disk.position(device, id)
    const stream = streamOf(connection, conversation)
    stream.position = seq
    if (nextFor(conversation, user, seq) || named.has(id) || has('M147'))
      replays.push(plan(connection, { conv: id, epoch: conversation.epoch, seq }))
  }
  disk.positions.set(device, disk.positions.get(device) ?? new Map())
  return has('M36') ? replays.map((one) => ({ ...one, isBackwards: true })) : replays
}

function isUsable({ server, device }: Connection, { conv, seq }: Cursor): boolean {
  const { has, memory } = server
  if (has('M41') && seq === 0) return false
  if (!has('M42')) return true
  const key = `${device} ${conv} ${seq}`
  if (memory.used.has(key)) return false
  memory.used.add(key)
  return true
}
