// Catching up on an open connection: SPEC.md#offline-and-sync.
import type { Sync } from '../../../protocol/index.ts'
import type { Connection } from './connection.ts'
import { hasPart } from './disk.ts'
import { plan, pump } from './streams.ts'

export function sync(connection: Connection, { id, cursors, limit }: Sync): void {
  const { server, user } = connection
  const { has, disk, options } = server
  const most = options.limits.historyMaxLimit
  if (limit > most && !has('M209'))
    return connection.refuse('BAD_REQUEST', `limit: ${limit} is more than ${most}`, { id })
  if (has('M264') && cursors.some(({ conv, epoch }) => disk.conversations.get(conv)?.epoch !== epoch))
    return connection.refuse('UNRECOVERABLE_POSITION', 'another epoch', { id })
  const isTwice = new Set(cursors.map(({ conv }) => conv)).size < cursors.length
  if (has('B25') && isTwice)
    return connection.refuse('BAD_REQUEST', 'cursors: a conversation is named twice', { id })
  const named = [...new Map(cursors.map((cursor) => [cursor.conv, cursor])).values()]
  const isForeign = named.filter(({ conv }) => !hasPart(disk.conversations.get(conv), conv, user))
  if (isForeign.length > 0 && !has('M119'))
    return connection.refuse('NOT_MEMBER', 'no such conversation, or not yours', { id })
  const own = named.filter((cursor) => !isForeign.includes(cursor))
  connection.tasks.push(...own.map((cursor) => plan(connection, cursor, { id, limit })), { kind: 'live', id })
  pump(connection)
  if (isForeign.length > 0) connection.refuse('NOT_MEMBER', 'no such conversation, or not yours', { id })
}
