// Whatever a correct server does, the checker accepts it; whatever goes wrong in it, the checker finds.
// CHATSPEC_SEED=<number> repeats a run.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import type { HistoryEvent } from './events.ts'
import type { HistoryRule } from './rules.ts'
import { defects } from './testing/defects.ts'
import { simulate } from './testing/simulated-run.ts'
import { type Step, steps } from './testing/simulated-steps.ts'

/** A failure prints it. */
const seed = Number(process.env.CHATSPEC_SEED ?? Date.now() % 1e9)

function brokenIn(events: HistoryEvent[]): HistoryRule[] {
  const { rules } = checkHistory(events)
  return rules.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule)
}

describe('a correct server', () => {
  it('passes, whatever its clients and the network do', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { rules } = checkHistory(simulate(list))
        const broken = rules.filter(({ verdict }) => verdict === 'fail')
        expect(broken.map(({ rule, violations }) => ({ rule, ...violations[0] }))).toEqual([])
      }),
      { numRuns: 500, seed },
    )
  })
})

/** Found by the property above: each was a false alarm once. */
const falseAlarms: [what: string, steps: string][] = [
  ['an own send without an answer is never shown', 'mood 0 562, send 3 0, serve 3 37, send 0 0'],
  [
    'own acks run ahead of a full window',
    'send 0 0 x4, send 3 0, join 3 0, send 0 0, send 3 263, send 2 875, serve 3 309',
  ],
  [
    'an own send without an answer is before the first delivery of a group',
    'join 3 0, send 2 511, mood 0 481, serve 3 17, send 2 991, work 2 0',
  ],
  [
    'an own send without an answer, and a sync',
    'send 0 0, work 1 0, work 0 0, read 1 0, send 1 0, send 2 0, sync 1 0, mood 0 190, cut 2 0, serve 1 330, connect 2 0, work 1 0',
  ],
  [
    'a sync before the replay is over',
    'send 2 273, serve 3 1, work 2 0, read 3 9, cut 3 0, connect 3 0, sync 3 85',
  ],
  [
    'two syncs in one go',
    'send 3 493, work 3 0, serve 2 61, read 2 1, sync 2 605, send 3 681, serve 3 305, read 2 16, sync 2 469',
  ],
  ['a sync of an old epoch', 'send 0 0 x2, work 3 0, serve 0 17, amnesia 0 819, connect 3 0, send 3 0'],
  [
    'a sync ends another one before it has brought anything',
    'send 0 0, send 1 786, send 0 302, serve 1 1, serve 0 37, read 1 298, send 0 474, send 0 126, send 0 402, sync 1 274, join 0 0, send 0 0, send 0 251, sync 1 0, sync 1 0',
  ],
  [
    'a gap answers a sync',
    'join 0 0, work 0 0, add 1 568, serve 1 237, send 2 491, send 2 379, serve 2 257, read 2 73, leave 0 0, send 2 511, read 1 2, read 1 0, add 2 0, send 2 11, sync 1 775',
  ],
  [
    'the window is full behind a fence',
    'work 2 0, send 1 0 x2, send 3 0, send 1 0, send 3 0 x3, work 1 0, work 3 0, fence 2 0, read 2 98',
  ],
  [
    'an ok arrives after the kill',
    'send 0 0, retry 1 0, work 1 0, work 0 0, serve 0 253, kill 0 378, connect 0 0',
  ],
  [
    'a join takes effect after its connection was cut',
    'join 2 0, join 0 0, cut 0 0, connect 0 0, add 2 0, send 0 135, cut 2 0, leave 1 0, serve 1 677',
  ],
  [
    'joins and leaves race on two connections',
    'join 0 0, remove 1 0, send 0 763, serve 0 665, join 1 0, cut 1 0, serve 0 110, read 0 2, serve 0 0, serve 0 425, kill 0 285',
  ],
  [
    'the server tells late of a membership that is over',
    'add 0 548, join 0 0, send 0 599, join 4 0, serve 5 73, work 0 0, work 4 0, leave 4 0, send 0 215, serve 4 113',
  ],
  [
    'a leave is behind the boundary of another one',
    'join 0 0, work 0 0, leave 1 0, serve 1 37, join 3 0, send 3 683, join 0 0, work 3 0, leave 0 0',
  ],
  [
    'a join, a leave and a join in one go',
    'join 2 0, remove 2 16, join 2 0, serve 2 318, send 3 507, work 3 0',
  ],
  [
    'a device has something from an earlier connection',
    'join 0 0, send 0 471, serve 0 529, work 1 0, cut 1 0, send 4 595, connect 1 0, serve 1 1, join 5 0, cut 5 0, serve 0 0, serve 4 366, read 1 2',
  ],
  [
    'a join is noted when several are under way',
    'join 2 0, send 2 0, serve 3 5, leave 2 0, join 0 0, serve 2 597, send 0 71, serve 0 177, join 2 0, serve 2 317, work 3 0, kill 0 0',
  ],
]

function parseSteps(text: string): Step[] {
  return text.split(', ').flatMap((part) => {
    const [what, who, pick, times = 'x1'] = part.split(' ')
    const step = { what: what as Step['what'], who: Number(who), pick: Number(pick) }
    return Array<Step>(Number(times.slice(1))).fill(step)
  })
}

describe('a correct server in a corner', () => {
  it.each(falseAlarms)('passes: %s', (_, text) => {
    expect(brokenIn(simulate(parseSteps(text)))).toEqual([])
  })
})

describe('a server with one defect', () => {
  it.each(defects.map((defect) => [defect.name, defect] as const))(
    'is found out: %s',
    (_, { rules, inject }) => {
      let injected = 0
      fc.assert(
        fc.property(steps, fc.nat(), (list, pick) => {
          const events = inject(simulate(list), pick)
          fc.pre(events !== undefined)
          injected += 1
          const broken = brokenIn(events)
          expect({ broken, found: broken.some((rule) => rules.includes(rule)) }).toMatchObject({
            found: true,
          })
          expect(broken).not.toContain('H19')
        }),
        { numRuns: 100, seed },
      )
      expect(injected).toBeGreaterThanOrEqual(100)
    },
  )
})
