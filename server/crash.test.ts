// `kill -9` under load, again and again on one directory: what was acknowledged is there, once, where `sent` said.
import { expect, it } from 'vitest'
import { Random } from '../conformance/random.ts'
import { directConversation, type Message } from '../protocol/index.ts'
import { encodings, generousLimits, sendTo } from './testing/endpoint.ts'
import { Ledger } from './testing/ledger.ts'
import { limitFlags, type ServerProcess, serve, spawnServer } from './testing/process.ts'
import { scratchDirectory } from './testing/scratch.ts'
import type { Client } from './testing/socket.ts'

const kills = 50
const group = 'g:crash'
const users = ['ann', 'ben', 'cay', 'dan', 'eve', 'fay']
/** In and out of the group all the time. */
const visitor = 'guest'
/** Sends of one connection that await their answer. */
const depth = 24

it(`${kills} kills under load lose, double and move nothing that was acknowledged`, {
  timeout: 180_000,
}, async () => {
  const seed = Number(process.env.CHATSPEC_SEED ?? Date.now() % 1e9)
  const run = new Run(new Random(seed), ['--data-dir', scratchDirectory(), ...limitFlags(generousLimits)])
  for (let round = 0; round < kills; round++) {
    await run.killWhileStarting(round)
    await run.restart()
    await run.checkHistory()
    await run.repeatUnanswered()
    await run.moveVisitor()
    await run.loadAndKill()
    expect(run.ledger.faults, `seed ${seed}, round ${round}`).toEqual([])
  }
  await run.restart()
  await run.checkHistory()
  await run.repeatUnanswered()
  await run.checkGracefulStop()
  expect(run.ledger.faults, `seed ${seed}`).toEqual([])
  console.log(`crash: seed ${seed}; ${run.summary()}`)
  expect(run.unknown).toBeGreaterThan(kills)
  expect(run.cursorsMoved).toBeGreaterThan(kills)
})

class Run {
  readonly ledger = new Ledger()
  readonly random: Random
  unknown = 0
  cursorsMoved = 0
  private recovered = 0
  private killedWhileStarting = 0
  private server: ServerProcess | undefined
  private readonly flags: readonly string[]
  private readonly clients = new Map<string, Client>()
  /** By conversation: up to here history was read and found good. */
  private readonly checked = new Map<string, number>()
  /** By user and conversation: the highest seq that its device acknowledged, and where its last replay began. */
  private readonly acked = new Map<string, number>()
  private readonly resumedAt = new Map<string, number>()
  /** The windows of the visitor's memberships: from exclusive, to inclusive, null while it lasts. */
  private readonly windows: [from: number, to: number | null][] = []

  constructor(random: Random, flags: readonly string[]) {
    this.random = random
    this.flags = flags
  }

  summary(): string {
    return (
      `${kills} kills under load and ${this.killedWhileStarting} while starting; ${this.ledger.answers} messages ` +
      `acknowledged, ${this.unknown} outcomes unknown, ${this.recovered} of these were stored and recovered; ` +
      `${this.cursorsMoved} device cursors found advanced, ${this.windows.length} memberships of the visitor`
    )
  }

  /** Every fifth time another kill falls into the start itself, at any moment of it. */
  async killWhileStarting(round: number): Promise<void> {
    if (round % 5 !== 4) return
    const { child, exit } = spawnServer(this.flags)
    setTimeout(() => child.kill('SIGKILL'), this.random.integer(0, 500))
    await exit
    this.killedWhileStarting += 1
  }

  async restart(): Promise<void> {
    this.server = await serve(this.flags)
    this.clients.clear()
    for (const [index, user] of [...users, visitor].entries()) {
      const encoding = encodings[index % 2] ?? 'json'
      const client = await this.server.connect({ encoding })
      client.onMessage = (message) => {
        if (message.type === 'sent') this.ledger.answered(message)
        if (message.type === 'msg') this.received(user, message)
        if (message.type === 'error' && user !== visitor)
          this.ledger.faults.push(`${user} got ${JSON.stringify(message)}`)
      }
      client.acksAll = true
      const ackedBefore = new Map(this.acked)
      await this.server.hello(client, user)
      if (user !== visitor) this.checkCursors(user, client, ackedBefore)
      this.clients.set(user, client)
    }
    // The first time the group is founded; from then on membership is remembered.
    if (this.checked.size === 0)
      for (const user of users) await this.ask(user, { type: 'join', id: 0, conv: group })
  }

  /** Reads what is new of every conversation, and checks it against all that was promised and seen. */
  async checkHistory(): Promise<void> {
    for (const [reader, conv] of conversations()) {
      const after = this.checked.get(conv) ?? 0
      const items = await this.history(reader, conv, after)
      this.ledger.read(conv, after, items)
      this.checked.set(conv, after + items.length)
    }
    this.ledger.expectPromisesKept()
    await this.checkVisitor()
  }

  /** CRS-02: the repeat of what was stored gets that seq; the repeat of what was not is new. */
  async repeatUnanswered(): Promise<void> {
    const repeats = this.ledger.unanswered()
    const answers = await Promise.all(repeats.map(({ from, send }) => this.ask(from, send)))
    for (const [index, { send, isStored }] of repeats.entries()) {
      expect(answers[index]).toMatchObject({ type: 'sent', msgId: send.msgId, duplicate: isStored })
      if (isStored) this.recovered += 1
    }
    this.unknown += repeats.length
  }

  async moveVisitor(): Promise<void> {
    const current = this.windows.at(-1)
    const isMember = current !== undefined && current[1] === null
    const answer = await this.ask(visitor, { type: isMember ? 'leave' : 'join', id: 0, conv: group })
    if (answer.type !== 'ok' || answer.top === undefined)
      throw new Error(`no ok but ${JSON.stringify(answer)}`)
    if (isMember) current[1] = answer.top
    else this.windows.push([answer.top, null])
  }

  /** Everybody sends as fast as answers come; after some number of them the process dies. */
  async loadAndKill(): Promise<void> {
    const goal = this.ledger.answers + this.random.integer(1, 1_500)
    for (const user of users) {
      const client = this.client(user)
      const receive = client.onMessage
      client.onMessage = (message) => {
        receive?.(message)
        if (message.type === 'sent') this.sendOne(user)
        if (this.ledger.answers >= goal) this.server?.child.kill('SIGKILL')
      }
      for (let n = 0; n < depth; n++) this.sendOne(user)
    }
    expect(await this.server?.exit).toMatchObject({ signal: 'SIGKILL' })
    // What the kernel had taken from the server before it died still arrives, and counts.
    for (const client of this.clients.values()) await client.over()
  }

  /** After an orderly stop nothing at all is delivered again. */
  async checkGracefulStop(): Promise<void> {
    for (const client of this.clients.values()) await client.fence()
    for (const client of this.clients.values()) client.close()
    expect(await this.server?.kill('SIGTERM')).toEqual({ code: 0, signal: null })
    this.server = await serve(this.flags)
    for (const user of [...users, visitor]) {
      const client = await this.server.join(user)
      for (const { conv, seq, from } of client.of('msg')) {
        // Own messages after the last acknowledged one are not covered by it.
        if (from !== user || seq <= (this.acked.get(`${user} ${conv}`) ?? 0)) {
          this.ledger.faults.push(`${user} got ${conv} ${seq} again`)
        }
      }
      this.clients.set(user, client)
    }
    this.checked.clear()
    await this.checkHistory()
  }

  private sendOne(user: string): void {
    const client = this.client(user)
    if (client.isOver) return
    const peer = users[users.indexOf(user) ^ 1] ?? user
    const toGroup = this.random.fraction() < 0.4
    const size = this.random.fraction() < 0.05 ? 5_000 : this.random.integer(0, 200)
    const send = sendTo(toGroup ? group : peer, this.random.text(1) + 'x'.repeat(size), 7)
    this.ledger.begin(send, user, toGroup ? group : directConversation(user, peer))
    client.send(send)
  }

  private received(user: string, message: Message): void {
    this.ledger.seen(message)
    const key = `${user} ${message.conv}`
    this.acked.set(key, Math.max(this.acked.get(key) ?? 0, message.seq))
  }

  /** A cursor never stands beyond what the device has acknowledged, and never falls back. */
  private checkCursors(user: string, client: Client, ackedBefore: ReadonlyMap<string, number>): void {
    for (const { conv, from } of client.of('synced')) {
      const key = `${user} ${conv}`
      const before = this.resumedAt.get(key) ?? 0
      if (from < before) this.ledger.faults.push(`the cursor of ${key} fell from ${before} to ${from}`)
      if (from > (ackedBefore.get(key) ?? 0))
        this.ledger.faults.push(`the cursor of ${key} is at ${from}, never acked`)
      if (from > before) this.cursorsMoved += 1
      this.resumedAt.set(key, from)
    }
  }

  /** GRP-09: the visitor reads exactly the windows of its memberships. */
  private async checkVisitor(): Promise<void> {
    const last = this.windows.at(-1)
    if (last === undefined || last[1] !== null) {
      const query = { type: 'history', id: 0, conv: group, order: 'asc', limit: 1 } as const
      expect(await this.ask(visitor, query)).toMatchObject({ type: 'error', code: 103 })
      return
    }
    const top = this.checked.get(group) ?? 0
    const expected = this.windows.flatMap(([from, to]) => range(from, to ?? top))
    const seqs = (await this.history(visitor, group, 0)).map(({ seq }) => seq)
    expect(seqs).toEqual(expected)
  }

  private async history(user: string, conv: string, after: number): Promise<Message[]> {
    const items: Message[] = []
    for (let afterSeq = after; ; ) {
      const page = await this.ask(user, { type: 'history', id: 0, conv, order: 'asc', limit: 500, afterSeq })
      if (page.type !== 'page') throw new Error(`no page but ${JSON.stringify(page)}`)
      items.push(...page.items)
      if (page.complete) return items
      afterSeq = items.at(-1)?.seq ?? 0
    }
  }

  private ask(user: string, message: Parameters<Client['request']>[0]): ReturnType<Client['request']> {
    return this.client(user).request(message)
  }

  private client(user: string): Client {
    const client = this.clients.get(user)
    if (client === undefined) throw new Error(`${user} is not connected`)
    return client
  }
}

/** Each conversation of the load with one who reads it. */
function conversations(): [reader: string, conv: string][] {
  const pairs = users.filter((_, index) => index % 2 === 0)
  const direct = pairs.map((user, index): [string, string] => {
    return [user, directConversation(user, users[index * 2 + 1] ?? user)]
  })
  return [...direct, ['ben', group]]
}

/** The seqs after `from` up to `to`. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + 1 + index)
}
