// Commands that connections live and die by: cut, half-closed, frozen, replaced, resumed from anywhere.
import type { Cursor } from '../../protocol/index.ts'
import { fail, pass } from '../outcome.ts'
import type { Command, From, Leaving } from './commands.ts'
import { answerOf, type Device, type World } from './world.ts'

type Of<N extends Command['do']> = Extract<Command, { do: N }>

/** So far beyond everything that no trial gets there. */
const farAhead = 1_000_000
const stepsBack = 2

/** Cursors of this device, true ones or others; none if it has got nothing yet. */
export function cursorsFrom(device: Device, from: From): Cursor[] {
  return device.positions().map((position) => {
    if (from === 'earlier') return { ...position, seq: Math.max(0, position.seq - stepsBack) }
    if (from === 'the future') return { ...position, seq: position.seq + farAhead }
    if (from === 'another epoch') return { ...position, epoch: `not-${position.epoch}`.slice(0, 128) }
    return position
  })
}

/** Those are no positions that an honest client names. */
export function isLying(from: From): boolean {
  return from === 'the future' || from === 'another epoch'
}

/** The device comes back, or replaces a connection that is still there. */
export async function connect(
  world: World,
  device: Device,
  { after, from, swap }: Of<'connect'>,
): Promise<void> {
  const old = device.session
  if (after !== 'nothing' || device.isHalfClosed) await end(device, device.isHalfClosed ? 'cut' : after)
  thaw(device)
  const { encodings } = world.t
  const encoding = swap ? encodings.find((one) => one !== old.encoding) : undefined
  const cursors = from === 'nowhere' ? [] : cursorsFrom(device, from)
  const wasThere = old.isLive
  await world.connect(device, {
    ...(cursors.length > 0 && { resume: cursors }),
    ...(encoding && { encoding }),
    isLying: isLying(from),
  })
  if (!wasThere) return
  const expected = 'the older connection of the device to be closed'
  const ended = await old.wire.ended(world.t.timeoutMs)
  world.demand('RES-07', ended ? pass(expected) : fail(expected, 'it is still open', 'silent'))
  if (!ended) old.wire.cut()
}

/** A device that is away comes back when its turn has come. */
export async function comeBack(world: World, device: Device): Promise<void> {
  if (!device.isAway) return
  await end(device, 'cut')
  await world.connect(device)
}

/** A connection that is over already stays as it is. */
export async function end(device: Device, how: 'cut' | 'half-close' | Leaving): Promise<void> {
  const { session } = device
  thaw(device)
  if (how === 'half-close') {
    session.wire.halfClose()
    device.isHalfClosed = true
  } else if (how === 'cut') {
    session.wire.cut()
    // So that the history has its end before the beginning of the next.
    await session.ended()
  } else if (how === 'close' && session.isLive) await session.close()
}

export function freeze(device: Device): void {
  if (device.isFrozen) return
  device.isFrozen = true
  device.session.wire.freeze()
}

export function thaw(device: Device): void {
  if (!device.isFrozen) return
  device.isFrozen = false
  device.session.wire.thaw()
}

export async function refresh(world: World, { session, person }: Device): Promise<void> {
  person.token = await world.t.token(person.user)
  await answerOf(session, session.request({ type: 'refresh', token: person.token }))
}
