// Commands that read and mark: history in pages, sync, acknowledgements, and the members of groups.
import type { Message } from '../../protocol/index.ts'
import { quiet } from '../deadline.ts'
import { fail, pass } from '../outcome.ts'
import type { FrameOf } from '../match.ts'
import type { Session } from '../session.ts'
import type { Command } from './commands.ts'
import { cursorsFrom, isLying } from './connect.ts'
import { submit } from './send.ts'
import { answerOf, type Device, type World } from './world.ts'

type Of<N extends Command['do']> = Extract<Command, { do: N }>

/** A conversation is longer than this many pages only if the pages do not move on. */
const mostPages = 2_000

/** All pages of a conversation in small pages, perhaps writing to it meanwhile. */
export async function history(world: World, device: Device, command: Of<'history'>): Promise<void> {
  const { by, to, order, limit, writes } = command
  const conv = world.conversation(to, by)
  const { session } = device
  await walk(world, session, { conv, order, limit }, async () => {
    if (writes) await submit(world, session, world.write(device.person, conv))
  })
}

interface Query {
  conv: string
  order: 'asc' | 'desc'
  limit: number
}

/** Reads page by page until the end, or until the server refuses. */
export async function walk(
  world: World,
  session: Session,
  query: Query,
  between: () => Promise<void> = async () => {},
): Promise<Message[]> {
  const items: Message[] = []
  let cursor: string | undefined
  // New messages come behind an ascending walk for as long as it writes them itself: a few are enough.
  for (let pages = 0; pages < mostPages; pages++) {
    const request = session.request({ type: 'history', ...query, ...(cursor !== undefined && { cursor }) })
    const page = await answerOf(session, request)
    if (page?.type !== 'page') return items
    judgePage(world, page, query)
    items.push(...page.items)
    if (page.nextCursor === undefined) return items
    cursor = page.nextCursor
    if (pages < 2) await between()
  }
  world.demand('HIS-01', fail('pages that come to an end', `${mostPages} pages and no end`))
  return items
}

function judgePage(world: World, { items, complete, nextCursor }: FrameOf<'page'>, { limit }: Query): void {
  const most = `at most ${limit} items`
  world.demand('HIS-05', items.length <= limit ? pass(most) : fail(most, `${items.length} items`))
  const said = `complete ${complete} with ${nextCursor === undefined ? 'no' : 'a'} nextCursor`
  const isRight = complete === (nextCursor === undefined)
  const wanted = 'a nextCursor exactly if complete is false'
  world.demand('HIS-06', isRight ? pass(wanted, said) : fail(wanted, said))
}

export async function sync(device: Device, { from, limit }: Of<'sync'>): Promise<void> {
  const cursors = cursorsFrom(device, from)
  if (cursors.length === 0) return
  const { session } = device
  session.breaksRules = isLying(from)
  const reply = session.request({ type: 'sync', cursors, limit })
  session.breaksRules = false
  await answerOf(session, reply)
}

/** What was paused goes on from where the device is, until nothing is paused any more. */
export async function catchUp(device: Device, limit: number): Promise<void> {
  const { session } = device
  for (let round = 0; round < mostPages; round++) {
    const paused = pausedOn(session)
    const cursors = device.positions().filter(({ conv }) => paused.has(conv))
    if (cursors.length === 0) return
    const answer = await answerOf(session, session.request({ type: 'sync', cursors, limit }))
    if (answer?.type !== 'live') return
  }
}

/** [OFF-13] [OFF-18] Nothing comes of these before a `sync`. */
function pausedOn({ received }: Session): Set<string> {
  const paused = new Set<string>()
  for (const frame of received) {
    if (frame.type === 'gap' || (frame.type === 'synced' && !frame.complete)) paused.add(frame.conv)
    else if (frame.type === 'synced') paused.delete(frame.conv)
  }
  return paused
}

/** Everything that this device got, less a few, or more than there is. */
export async function mark(device: Device, { do: type, back }: Of<'ack' | 'read'>): Promise<void> {
  const { session } = device
  const isAhead = back < 0
  const replies = device.positions().flatMap(({ conv, epoch, seq }) => {
    const upTo = isAhead ? seq + 1_000_000 : seq - back
    if (upTo < 1) return []
    session.breaksRules = isAhead
    const reply = session.request({ type, conv, epoch, seq: upTo })
    session.breaksRules = false
    return [quiet(reply)]
  })
  for (const reply of replies) await answerOf(session, reply)
}

/** Joins or leaves, or does it to somebody else, whether it may or not. */
export async function changeMembers(
  world: World,
  device: Device,
  command: Of<'join' | 'leave'> | Of<'add' | 'remove'>,
): Promise<void> {
  if (world.groups.length === 0) return
  const { session, person } = device
  const conv = world.group(command.group)
  const type = command.do === 'join' || command.do === 'add' ? 'join' : 'leave'
  const other = 'other' in command ? world.person(command.other) : person
  world.convs.get(conv)?.add(other)
  const user = other === person ? {} : { user: other.user.id }
  await answerOf(session, session.request({ type, conv, ...user }))
}
