// One life of a session, as a list of what happens to it, and what must hold at its end.
import assert from 'node:assert/strict'
import type { ErrorName } from '../../protocol/index.ts'
import { dice } from './dice.ts'
import type { Connection } from './model-connection.ts'
import { World } from './world.ts'

const direct = 'd:alice:bob'
const group = 'g:team'
const limits = { window: 8, sendWindow: 4, offlineMax: 40, sendRatePerSecond: 20, sendBurst: 10 }
const closeCodes = [1000, 1001, 1006, 1011, 1012, 4001, 4002, 4003, 4005, 4499, 4500, 4504, 4507, 4999]
const fates = ['unanswered', 'lost', 'TOO_MANY_REQUESTS', 'INTERNAL'] as const

/** Something that happens, and how much of it. */
export interface Action {
  do: keyof typeof happenings
  n: number
}

type Happening = (run: Run, n: number) => void

const happenings = {
  send: (run, n) => times(n, () => run.send('direct')),
  'send to group': (run, n) => times(n, () => run.send('group')),
  'peer sends': (run, n) => times(n, () => run.peerSends(direct)),
  'peer sends to group': (run, n) => times(n, () => run.peerSends(group)),
  join: ({ world }, n) => world.do({ type: 'request', key: n, frame: { type: 'join', conv: group } }),
  leave: ({ world }, n) => world.do({ type: 'request', key: n, frame: { type: 'leave', conv: group } }),
  'server reads': ({ world }, n) => times(n, () => world.stepServer()),
  'client reads': ({ world }, n) => times(n, () => world.stepClient()),
  'token comes': ({ world }) => world.job('token'),
  'no token comes': ({ world }) => world.job('token', { succeeds: false }),
  'socket opens': ({ world }) => world.job('open'),
  'socket fails': ({ world }) => world.job('open', { succeeds: false }),
  'state is stored': ({ world }) => world.job('save'),
  'state is not stored': ({ world }) => world.job('save', { succeeds: false }),
  'application handles': ({ world }, n) => times(n, () => world.job('handle')),
  'all goes well': ({ world }) => world.settle(),
  'time passes': ({ world }, n) => world.pass(n * 10),
  'much time passes': ({ world }, n) => world.pass(n * 250),
  'connection breaks': ({ world }, n) => world.cut(pick(closeCodes, n)),
  'server closes': ({ world }, n) => world.connection?.close(pick(closeCodes, n)),
  'server restarts': (run) => run.restart({ keepsLog: true }),
  'server loses its log': (run) => run.restart({ keepsLog: false }),
  'server drains': ({ world }) =>
    world.toClient.push({
      type: 'drain',
      graceMs: 5_000,
      reconnectMinMs: 10,
      reconnectMaxMs: 900,
      resumable: true,
    }),
  'server skips': ({ world }) => world.connection?.deliveries.breakOff(direct),
  'sends go wrong': (run, n) => run.goWrong(pick(fates, n), (n % 6) + 1),
  'process dies': ({ world }) => world.crash(),
  retry: ({ world }) => world.do({ type: 'retry' }),
  disconnect: ({ world }) => world.do({ type: 'disconnect' }),
  connect: ({ world }) => world.do({ type: 'connect' }),
} as const satisfies Record<string, Happening>

export const happeningNames = Object.keys(happenings) as (keyof typeof happenings)[]

/** What a run has seen, to show that it was no empty one. */
export interface Counts {
  handled: number
  settled: number
  connections: number
  discontinuities: number
}

export class Run {
  readonly world: World
  #sends = 0
  #peerSends = 0
  #fates: ('unanswered' | 'lost' | ErrorName)[] = []
  #mayReorder = false
  #losesLog = false

  constructor(seed: number) {
    this.world = new World({ random: dice(seed), limits })
    this.world.fate = ({ msgId }) =>
      msgId.startsWith('b') ? 'answered' : (this.#fates.shift() ?? 'answered')
    this.#bob()
    this.world.start()
  }

  act(action: Action): void {
    happenings[action.do](this, action.n)
  }

  /** All faults end. */
  heal(): void {
    this.#fates = []
    this.#bob()
    this.world.settle()
    const { state } = this.world.session.status()
    if (state === 'stopped' || state === 'idle') this.world.do({ type: 'connect' })
    this.world.run(600_000)
    assert.equal(this.world.session.status().state, 'live')
  }

  check(): Counts {
    for (const conv of [direct, group]) this.#checkMessages(conv)
    this.#checkSends()
    const { handled, settled, opens, discontinuities } = this.world
    return {
      handled: handled.length,
      settled: settled.size,
      connections: opens.length,
      discontinuities: discontinuities.length,
    }
  }

  send(to: 'direct' | 'group'): void {
    this.#sends += 1
    const target = to === 'direct' ? { to: 'bob' } : { conv: group }
    this.world.do({
      type: 'send',
      send: { msgId: idOf('a', this.#sends), ...target, content: `${this.#sends}` },
    })
  }

  peerSends(conv: string): void {
    this.#peerSends += 1
    const msgId = idOf('b', this.#peerSends)
    this.#bob().take({ type: 'send', id: 1, msgId, conv, content: `${this.#peerSends}` })
  }

  goWrong(fate: (typeof fates)[number], sends: number): void {
    this.#mayReorder ||= fate !== 'unanswered'
    times(sends, () => this.#fates.push(fate))
  }

  restart({ keepsLog }: { keepsLog: boolean }): void {
    this.#losesLog ||= !keepsLog
    this.world.server.restart({ keepsLog })
    this.world.cut(1006)
  }

  /** Always there, and in the group first. */
  #bob(): Connection {
    const { server } = this.world
    const known = [...server.connections].find((one) => one.user === 'bob')
    const bob = known ?? this.world.peer('bob')
    if (!server.conversations.has(group)) bob.take({ type: 'join', id: 1, conv: group })
    return bob
  }

  #checkMessages(conv: string): void {
    const { server, handled: all, discontinuities } = this.world
    const conversation = server.conversations.get(conv)
    const handled = all
      .filter((one) => one.conv === conv && one.epoch === conversation?.epoch)
      .map((one) => one.seq)
    const inOrder = [...new Set(handled)].sort((a, b) => a - b)
    assert.deepEqual(handled, inOrder, `${conv}: handed over twice or out of order`)
    const holes = discontinuities.filter((one) => one.conv === conv && one.epoch === conversation?.epoch)
    const windows = conversation?.windows.get('alice') ?? []
    const expected = (conversation?.messages ?? []).filter(({ from, seq }) => {
      const isEntitled = windows.some((window) => seq > window[0] && seq <= window[1])
      const isExcused = !handled.includes(seq) && holes.some((hole) => seq > hole.from && seq <= hole.to)
      return from === 'bob' && isEntitled && !isExcused
    })
    assert.deepEqual(
      handled,
      expected.map((message) => message.seq),
      conv,
    )
  }

  #checkSends(): void {
    const { session, server, settled } = this.world
    assert.deepEqual(session.pending(), [])
    for (const conv of [direct, group]) {
      const log = (server.conversations.get(conv)?.messages ?? []).filter(({ from }) => from === 'alice')
      const ids = log.map(({ msgId }) => msgId)
      assert.equal(new Set(ids).size, ids.length, 'stored twice')
      if (!this.#mayReorder && !this.#losesLog) assert.deepEqual(ids, ids.toSorted(), 'stored out of order')
      for (const { msgId, seq } of log) {
        const result = settled.get(msgId)
        assert(result, `${msgId} is stored and not settled`)
        if (result.ok && !this.#losesLog) assert.equal(result.sent.seq, seq)
        if (!result.ok)
          assert(!result.error.definite, `${msgId} is stored and was called refused for certain`)
      }
    }
    for (const [msgId, result] of settled) {
      if (!result.ok)
        assert.equal(result.error.name, 'NOT_MEMBER', `${msgId} is refused without a definite error`)
    }
  }
}

function times(n: number, run: () => void): void {
  for (let time = 0; time <= n % 12; time++) run()
}

function pick<T>(from: readonly T[], n: number): T {
  const picked = from[n % from.length]
  assert(picked !== undefined)
  return picked
}

function idOf(kind: 'a' | 'b', n: number): string {
  return `${kind}${String(n).padStart(7, '0')}-0000-4000-8000-000000000000`
}
