// How much a server really takes: content, frames, pages, connections, messages on the way, bursts.
import { errors } from '../../protocol/index.ts'
import { sendAll } from '../batches.ts'
import type { CaseContext } from '../context.ts'
import { summarize } from '../trace.ts'
import { found, type Measure, notMeasured } from './measure.ts'

/** More takes too long for a look. */
const most = { connections: 100, window: 2_000, burst: 3_000 }

const content: Measure = {
  name: 'maxContent',
  slug: 'content',
  announced: (t) => `${t.limits.maxContent} bytes`,
  async run(t) {
    const [alice, bob] = await t.pair()
    const { maxContent } = t.limits
    const [at, above] = [
      await alice.send(bob, 'x'.repeat(maxContent)),
      await alice.send(bob, 'x'.repeat(maxContent + 1)),
    ]
    const words = `${maxContent}: ${at.type}, ${maxContent + 1}: ${answer(above)}`
    return found(at.type === 'sent' && above.type === 'error', words)
  },
}

const frame: Measure = {
  name: 'maxFrame',
  slug: 'frame',
  announced: (t) => `${t.limits.maxFrame} bytes`,
  async run(t) {
    if (t.encoding !== 'json') return notMeasured('only a JSON frame can be padded with blanks')
    const alice = await t.connect()
    const { maxFrame } = t.limits
    const padded = (bytes: number): string => '{"type":"ping","n":7}'.padEnd(bytes, ' ')
    alice.writeText(padded(maxFrame))
    const at = await alice.maybe('pong', { n: 7 })
    alice.writeText(padded(maxFrame + 1))
    const end = await alice.ended()
    const words = `${maxFrame}: ${at ? 'taken' : 'not answered'}, ${maxFrame + 1}: ${end ? `closed ${end.code}` : 'taken'}`
    return found(at !== undefined && end !== undefined, words)
  },
}

const page: Measure = {
  name: 'historyMaxLimit',
  slug: 'page',
  announced: (t) => (t.caps.includes('history') ? `${t.limits.historyMaxLimit} items` : 'no history'),
  async run(t) {
    if (!t.caps.includes('history')) return notMeasured('history is not declared')
    const [alice, bob] = await t.pair()
    const { conv } = await alice.dm(bob)
    const { historyMaxLimit } = t.limits
    const ask = (limit: number) => alice.request({ type: 'history', conv, order: 'asc', limit })
    const [at, above] = [await ask(historyMaxLimit), await ask(historyMaxLimit + 1)]
    const words = `${historyMaxLimit}: ${answer(at)}, ${historyMaxLimit + 1}: ${answer(above)}`
    return found(at.type === 'page' && above.type === 'error', words)
  },
}

const connections: Measure = {
  name: 'connectionsPerUser',
  slug: 'connections',
  announced: (t) => `${t.limits.connectionsPerUser}`,
  async run(t) {
    const { connectionsPerUser } = t.limits
    if (connectionsPerUser > most.connections)
      return notMeasured(`more than ${most.connections} take too long`)
    const user = t.user()
    const token = await t.token(user)
    for (let count = 0; count <= connectionsPerUser; count++) {
      const one = await t.open(user)
      one.sayHello({ token })
      const reply = await one.anyOf(['welcome', 'bye', 'error'])
      if (reply?.type !== 'welcome')
        return found(count === connectionsPerUser, `${count}, then ${reply ? summarize(reply) : 'silence'}`)
    }
    return found(false, `${connectionsPerUser + 1}, and no end`)
  },
}

const window: Measure = {
  name: 'window',
  slug: 'window',
  announced: (t) => `${t.limits.window} unacknowledged`,
  async run(t) {
    const { window: announced } = t.limits
    if (announced > most.window) return notMeasured(`more than ${most.window} take too long`)
    const alice = await t.connect()
    const bob = await t.connect(t.user(), { autoAck: false })
    const sents = await sendAll(alice, bob, announced + 20)
    await bob.maybe('msg', { seq: Math.min(announced, sents.length) })
    await bob.fence()
    const got = bob.seen('msg').length
    return found(got === announced, `${got} of ${sents.length} came without an ack`)
  },
}

const burst: Measure = {
  name: 'sendBurst, sendRatePerSecond',
  slug: 'burst',
  announced: (t) => `${t.limits.sendBurst} at once, ${t.limits.sendRatePerSecond} per second`,
  async run(t) {
    const { sendBurst, sendRatePerSecond, sendWindow } = t.limits
    if (sendBurst > most.burst) return notMeasured(`more than ${most.burst} at once take too long`)
    const alice = await t.connect()
    const beganMs = t.elapsedMs()
    const room = (): number => sendBurst + (sendRatePerSecond * (t.elapsedMs() - beganMs)) / 1000
    for (let accepted = 0; accepted < 2 * sendBurst + sendRatePerSecond; ) {
      const replies = await Promise.all(
        Array.from({ length: Math.min(50, sendWindow) }, () => alice.send(alice)),
      )
      accepted += replies.filter(({ type }) => type === 'sent').length
      const refused = replies.find((reply) => reply.type === 'error')
      if (refused === undefined) continue
      const words = `${accepted} in ${Math.round(t.elapsedMs() - beganMs)} ms, then ${answer(refused)}`
      const isRate = refused.type === 'error' && refused.code === errors.TOO_MANY_REQUESTS.code
      return found(isRate && accepted >= sendBurst && accepted <= Math.ceil(room()) + 1, words)
    }
    return measuredWithoutEnd(t, beganMs, room())
  },
}

/** This machine may be slower than the rate allows. */
function measuredWithoutEnd(t: CaseContext, beganMs: number, room: number): ReturnType<typeof notMeasured> {
  const seconds = ((t.elapsedMs() - beganMs) / 1000).toFixed(1)
  return notMeasured(
    `none refused in ${seconds} s, where ${Math.round(room)} were allowed: the judge is slower than the rate`,
  )
}

function answer(reply: { type: string }): string {
  return reply.type === 'error' && 'name' in reply ? `error ${reply.name}` : reply.type
}

export const limitMeasures: readonly Measure[] = [content, frame, page, connections, window, burst]
