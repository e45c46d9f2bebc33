// 200,000 random and mutated frames over real sockets, while a pair of bystanders chats and notices nothing.
import { expect, it } from 'vitest'
import { Random } from '../conformance/random.ts'
import { directConversation, type Encoding } from '../protocol/index.ts'
import { generousLimits, sendTo, tokenFor } from './testing/endpoint.ts'
import { Hostile } from './testing/hostile.ts'
import { limitFlags, type ServerProcess, serve } from './testing/process.ts'
import { scratchDirectory } from './testing/scratch.ts'
import { type Client, isFatal } from './testing/socket.ts'
import { until } from './testing/until.ts'

const frames = 200_000
/** Before memory is looked at for the first time: everything has been compiled and every cache is warm. */
const warmUpFrames = 20_000
const attackers = 24
/** Names that neither vectors nor chance bring up. */
const [first, second] = ['bystander-1', 'bystander-2'] as const
const conv = directConversation(first, second)
/** The pair exchanges one message for so many frames of the attack. */
const framesPerChat = 200
const tolerance = 1.15
const allocatorBytes = 16 * 1024 * 1024

it(`${frames} hostile frames disturb nobody, and what they cost is given back`, {
  timeout: 150_000,
}, async () => {
  const seed = Number(process.env.CHATSPEC_SEED ?? Date.now() % 1e9)
  const server = await serve([
    '--data-dir',
    scratchDirectory(),
    '--log-level',
    'silent',
    ...limitFlags(generousLimits),
  ])
  const pair = new Pair(
    await server.join(first, { acksAll: true }),
    await server.join(second, { encoding: 'cbor', acksAll: true }),
  )
  await pair.chat()
  const attack = new Attack(server, new Random(seed), pair)
  await attack.run(warmUpFrames)
  const before = await measure(server)
  await attack.run(frames - warmUpFrames)
  const after = await until('memory as before', async () => {
    const now = await measure(server)
    return isBack(now, before) && now.connections === 2 ? now : undefined
  }).catch(() => measure(server))
  console.log(
    `hostile: seed ${seed}; ${attack.summary()}; ${pair.summary()}; ${JSON.stringify({ before, after })}`,
  )
  pair.expectUndisturbed()
  expect(attack.codes.get('no end') ?? 0, `seed ${seed}`).toBe(0)
  expect(after).toMatchObject({ connections: 2, users: 2 })
  expect(isBack(after, before), `seed ${seed}`).toBe(true)
  expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null })
})

/** Two who talk in turns; each message is fenced, so that a missing one is seen at once and not by waiting. */
class Pair {
  private readonly first: Client
  private readonly second: Client
  private said = 0
  private slowestMs = 0
  epoch = ''

  constructor(one: Client, two: Client) {
    this.first = one
    this.second = two
  }

  async chat(): Promise<void> {
    const [from, to] = this.said % 2 === 0 ? [this.first, this.second] : [this.second, this.first]
    const content = `m${this.said}`
    const startMs = performance.now()
    const sent = await from.request(sendTo(from === this.first ? second : first, content))
    await to.fence()
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs)
    this.said += 1
    if (sent.type !== 'sent') throw new Error(`not sent but ${JSON.stringify(sent)}`)
    this.epoch = sent.epoch
    expect(sent).toMatchObject({ conv, seq: this.said, duplicate: false })
    expect(to.of('msg').at(-1)).toMatchObject({ conv, seq: this.said, content })
  }

  expectUndisturbed(): void {
    for (const [client, parity] of [
      [this.first, 1],
      [this.second, 0],
    ] as const) {
      const expected = Array.from({ length: this.said }, (_, index) => index).filter(
        (index) => index % 2 === parity,
      )
      expect(client.of('msg').map(({ content }) => content)).toEqual(expected.map((index) => `m${index}`))
      const others = client.frames.filter(
        ({ type }) => !['welcome', 'live', 'msg', 'sent', 'pong', 'ping'].includes(type),
      )
      expect(others).toEqual([])
    }
  }

  summary(): string {
    return `${this.said} messages of the pair, the slowest fenced after ${Math.round(this.slowestMs)} ms`
  }
}

class Attack {
  /** How connections of the attack ended. */
  readonly codes = new Map<string, number>()
  private readonly server: ServerProcess
  private readonly random: Random
  private readonly hostile: Hostile
  private readonly pair: Pair
  private written = 0
  private connections = 0

  constructor(server: ServerProcess, random: Random, pair: Pair) {
    this.server = server
    this.random = random
    this.pair = pair
    this.hostile = new Hostile(random, { epoch: pair.epoch, foreign: conv })
  }

  summary(): string {
    const ends = [...this.codes].sort(([, a], [, b]) => b - a).map(([code, count]) => `${code}: ${count}`)
    return `${this.written} frames on ${this.connections} connections, ended by ${ends.join(', ')}`
  }

  async run(count: number): Promise<void> {
    const end = this.written + count
    const attacking = Array.from({ length: attackers }, async (_, index) => {
      while (this.written < end) await this.connection(`h${index}`)
    })
    const chatting = async (): Promise<void> => {
      for (let next = this.written; this.written < end; next += framesPerChat) {
        await until('more of the attack', () => this.written >= Math.min(next, end) || undefined)
        await this.pair.chat()
      }
    }
    await Promise.all([...attacking, chatting()])
  }

  /** Frames in bursts until the connection ends, each burst awaited: by its fence, or by the end. */
  private async connection(user: string): Promise<void> {
    const encoding = this.random.pick<Encoding>(['json', 'cbor'])
    const client = await this.server.connect({ encoding })
    this.connections += 1
    if (this.random.fraction() < 0.93) await this.hello(client, user)
    for (let bursts = this.random.integer(1, 12); bursts > 0 && !client.isOver; bursts--) {
      client.write(this.burst(encoding))
      if (this.random.fraction() < 0.1) break
      await client.fence().catch(() => undefined)
      client.frames.length = 0
    }
    // Behind half a frame a close frame is only more of it: whoever begins one leaves without a word.
    const isSpoiled = !client.isOver && this.random.fraction() < 0.5
    if (isSpoiled) client.write(this.hostile.lastWords())
    if (isSpoiled || this.random.fraction() < 0.5) client.destroy()
    else client.close()
    await client.over().catch(() => this.count('no end'))
    this.count(String(client.closeCode ?? 'cut'))
  }

  private async hello(client: Client, user: string): Promise<void> {
    const deviceId = this.random.pick(['a', 'b', 'c'])
    client.send({ type: 'hello', id: 1, token: tokenFor(user), deviceId, caps: ['presence', 'receipts'] })
    await client.until('welcome', () => client.of('welcome')[0]).catch(() => undefined)
  }

  /** Up to the first one that must end the connection: what comes after it would not be looked at. */
  private burst(encoding: Encoding): Buffer {
    const messages: Buffer[] = []
    for (let n = this.random.integer(1, 40); n > 0; n--) {
      const payload = this.hostile.payload(encoding)
      messages.push(this.hostile.message(payload, encoding))
      this.written += 1
      if (isFatal(payload, encoding)) break
    }
    return Buffer.concat(messages)
  }

  private count(code: string): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
  }
}

type Figures = Record<'heapBytes' | 'ownBytes' | 'connections' | 'users', number>

/** The heap is, within a little; pages that the allocator keeps for itself come and go. */
function isBack(now: Figures, before: Figures): boolean {
  return (
    now.heapBytes <= before.heapBytes * tolerance &&
    now.ownBytes <= before.ownBytes * tolerance + allocatorBytes
  )
}

async function measure(server: ServerProcess): Promise<Figures> {
  server.collectGarbage()
  const metrics = await server.metrics()
  const read = (name: string): number => metrics.get(name) ?? Number.NaN
  return {
    heapBytes: read('nodejs_heap_size_used_bytes'),
    ownBytes: server.ownBytes(),
    connections: read('chatspec_connections'),
    users: read('chatspec_users'),
  }
}
