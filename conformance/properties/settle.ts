// Before and after the commands: everybody connects and the groups are made; then all come back, catch up, and read.
import { quiet } from '../deadline.ts'
import { Finding } from '../outcome.ts'
import type { Session } from '../session.ts'
import { comeBack, thaw } from './connect.ts'
import { catchUp, walk } from './read.ts'
import { Device, type Person, type World } from './world.ts'

/** Users that nobody has met, their devices, and their groups. */
export async function setUp(world: World): Promise<void> {
  const { t, cast } = world
  for (const user of t.users(cast.users)) {
    const person: Person = { user, token: await t.token(user), devices: [], written: [] }
    for (let index = 0; index < cast.devices; index++)
      person.devices.push(new Device(person, `${user.name}-${index + 1}`))
    world.people.push(person)
  }
  await Promise.all(world.devices.map((device) => world.connect(device)))
  const first = world.people.flatMap(({ devices: [one] }) => one?.session ?? []) as [Session, ...Session[]]
  for (let index = 0; index < cast.groups; index++) world.groups.push(t.groupName())
  await Promise.all(world.groups.map((conv, index) => found(world, conv, index === 0 ? first : [first[0]])))
}

async function found(world: World, conv: string, [owner, ...others]: [Session, ...Session[]]): Promise<void> {
  world.convs.set(conv, new Set(world.people.slice(0, 1 + others.length)))
  await owner.join(conv)
  const isOwners = world.t.caps.includes('join=owner')
  await Promise.all(others.map((other) => (isOwners ? owner.join(conv, other) : other.join(conv))))
}

/** Nothing is under way any more, everybody is there and has everything; then the last word is read. */
export async function settle(world: World): Promise<void> {
  const { t, devices } = world
  t.trace.add('', '-', 'all come back, fence and read everything')
  for (const device of devices) {
    thaw(device)
    device.holdsAcks = false
  }
  const ends = await Promise.allSettled(world.pending)
  const failed = ends.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  await Promise.all(devices.map((device) => comeBack(world, device)))
  for (const device of devices) acknowledgeAll(device)
  const limit = Math.min(100, t.limits.historyMaxLimit)
  await Promise.all(devices.map((device) => catchUp(device, limit)))
  await Promise.all(devices.map(({ session }) => fenced(session)))
  t.history.quiet()
  if (t.caps.includes('history')) await readBack(world, limit)
}

/** Whoever held back its acks gives them now, so that nothing waits for the window. */
function acknowledgeAll(device: Device): void {
  const { session } = device
  if (session.autoAck) return
  session.autoAck = true
  for (const { conv, epoch, seq } of device.positions()) session.write({ type: 'ack', conv, epoch, seq })
}

/** Where the window was in the way, acks set free what waits behind it: again, until nothing comes any more. */
async function fenced(session: Session): Promise<void> {
  for (let before = -1; ; ) {
    const count = session.seen('msg').length
    if (session.wire.end || (before >= 0 && (count === before || count < session.welcome.limits.window)))
      return
    before = count
    await fence(session)
  }
}

/** A connection that ends meanwhile owes nothing. */
export async function fence(session: Session): Promise<void> {
  try {
    await quiet(session.fence())
  } catch (error) {
    if (!(error instanceof Finding && session.wire.end)) throw error
  }
}

/** Every user reads all that it took part in, from its first device. */
async function readBack(world: World, limit: number): Promise<void> {
  const { history } = world.t
  const readings = [...world.convs].flatMap(([conv, people]) =>
    [...people].map(({ devices }) => ({ conv, devices })),
  )
  history.isFinal = true
  await Promise.all(
    readings.map(async ({ conv, devices }) => {
      const session = devices.find(({ isAway }) => !isAway)?.session
      if (session) await walk(world, session, { conv, order: 'asc', limit })
    }),
  )
  history.isFinal = false
}
