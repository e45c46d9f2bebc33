// What a trial knows of itself while it runs: users and devices, their messages, and how far each device is.
import { randomUUID } from 'node:crypto'
import {
  type Content,
  type Cursor,
  directConversation,
  type Encoding,
  type Msg,
  type RuleId,
} from '../../protocol/index.ts'
import type { CaseContext } from '../context.ts'
import type { FrameOf, Reply } from '../match.ts'
import type { User } from '../observer.ts'
import { type Checked, Finding } from '../outcome.ts'
import type { Session } from '../session.ts'
import { type By, type Cast, type Place, partner } from './commands.ts'

/** A message as its user wrote it first. */
export interface Written {
  msgId: string
  conv: string
  content: Content
  /** The first answer that accepted it. */
  sent?: FrameOf<'sent'>
}

export interface Person {
  user: User
  token: string
  devices: Device[]
  written: Written[]
}

export class Device {
  readonly person: Person
  readonly deviceId: string
  /** The last one is the present one. */
  readonly sessions: Session[] = []
  isFrozen = false
  isHalfClosed = false
  holdsAcks = false

  constructor(person: Person, deviceId: string) {
    this.person = person
    this.deviceId = deviceId
  }

  get session(): Session {
    const session = this.sessions.at(-1)
    if (!session) throw new Error(`${this.deviceId} was never connected`)
    return session
  }

  get isAway(): boolean {
    return !this.session.isLive || this.isHalfClosed
  }

  /** How far it is in every conversation that it got something of. */
  positions(): Cursor[] {
    const positions = new Map<string, Cursor>()
    const msgs = this.sessions.flatMap(({ received }) =>
      received.filter((frame): frame is Msg => frame.type === 'msg'),
    )
    for (const { conv, epoch, seq } of msgs) {
      const known = positions.get(conv)
      if (known?.epoch !== epoch || known.seq < seq) positions.set(conv, { conv, epoch, seq })
    }
    return [...positions.values()]
  }
}

export class World {
  readonly t: CaseContext
  readonly cast: Cast
  readonly people: Person[] = []
  readonly groups: string[] = []
  /** Everything that anybody meant to write to. */
  readonly convs = new Map<string, Set<Person>>()
  /** What was begun and not waited for. */
  readonly pending: Promise<unknown>[] = []
  /** What an answer had to be, by sentence: how often it was looked at, and what was wrong. */
  readonly demands = new Map<RuleId, number>()
  readonly wrongs: Checked[] = []
  #texts = 0

  constructor(t: CaseContext, cast: Cast) {
    this.t = t
    this.cast = cast
  }

  get devices(): Device[] {
    return this.people.flatMap(({ devices }) => devices)
  }

  person(index: number): Person {
    return this.people[index % this.people.length] as Person
  }

  device({ user, device }: By): Device {
    const { devices } = this.person(user)
    return devices[device % devices.length] as Device
  }

  /** The conversation that a place is for a user. */
  conversation(to: Place, by: By): string {
    if ('group' in to && this.groups.length > 0) return this.group(to.group)
    const own = this.person(by.user)
    const other = this.person(partner(to, by.user % this.people.length, this.cast))
    const conv = directConversation(own.user.id, other.user.id)
    this.convs.set(conv, new Set([own, other]))
    return conv
  }

  group(index: number): string {
    return this.groups[index % this.groups.length] as string
  }

  /** A new message of a user; what it holds has four kinds. */
  write(person: Person, conv: string, kind = 0): Written {
    const text = `message ${++this.#texts}`
    const contents: Content[] = [text, '', `${text} \u0000 é € 😀`, new TextEncoder().encode(text)]
    const written: Written = { msgId: randomUUID(), conv, content: contents[kind] ?? text }
    person.written.push(written)
    return written
  }

  /** An answer is as the protocol wants it, or that is a finding. */
  demand(rule: RuleId, checked: Checked): void {
    this.demands.set(rule, (this.demands.get(rule) ?? 0) + 1)
    if (checked.verdict === 'fail') this.wrongs.push({ ...checked, rule })
  }

  /** A new connection of a device; an older one that still lives is replaced by it. */
  async connect(device: Device, { resume, encoding, isLying = false }: Connecting = {}): Promise<Session> {
    const { person, deviceId } = device
    const old = device.sessions.at(-1)
    const session = await this.t.connect(person.user, {
      deviceId,
      token: person.token,
      encoding: encoding ?? old?.encoding ?? this.t.encoding,
      caps: this.t.caps.filter((name) => name === 'receipts'),
      breaksRules: isLying,
      autoAck: !device.holdsAcks,
      ...(resume && { resume: { cursors: resume } }),
    })
    session.breaksRules = false
    device.sessions.push(session)
    device.isFrozen = false
    device.isHalfClosed = false
    return session
  }
}

export interface Connecting {
  resume?: Cursor[]
  encoding?: Encoding
  /** The cursors name what the device never received. */
  isLying?: boolean
}

/** The answer, or undefined if the connection ended before: then nobody knows. */
export async function answerOf<T extends Reply>(session: Session, reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply
  } catch (error) {
    if (error instanceof Finding && session.wire.end) return undefined
    throw error
  }
}
