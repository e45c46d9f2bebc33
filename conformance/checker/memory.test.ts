// Memory follows what is open and undelivered, not the length of the run; and what was forgotten is still judged.
import { describe, expect, it } from 'vitest'
import { createChecker } from './checker.ts'
import { finalRead, longRun } from './testing/long-run.ts'
import { at, Story } from './testing/story.ts'

const remembered = 100

function runOf(messages: number) {
  const checker = createChecker({ remembered })
  let most = 0
  let count = 0
  for (const event of longRun({ pairs: 5, messages, resumeEvery: 50 })) {
    checker.push(event)
    count += 1
    if (count % 1_000 === 0) most = Math.max(most, checker.stateSize())
  }
  return { checker, most }
}

describe('the memory of the checker', () => {
  it('stays the same however long a run with settled messages lasts', () => {
    const short = runOf(20_000)
    const long = runOf(200_000)
    expect(short.most).toBeLessThan(2_000)
    expect(long.most).toBeLessThan(short.most * 1.1)
    expect(long.checker.finish().rules.filter(({ verdict }) => verdict === 'fail')).toEqual([])
  })

  it('holds what a device that is away has not got, and lets go of it when it has', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const bob = story.connect('bob')
    bob.close(false)
    for (let seq = 1; seq <= 2_000; seq++) alice.says(`m${seq}`, seq)
    const checker = createChecker({ remembered })
    for (const event of story.events.splice(0)) checker.push(event)
    expect(checker.stateSize()).toBeGreaterThan(4_000)
    const again = story.returns('bob', { cursors: [at(0)] })
    for (let seq = 1; seq <= 2_000; seq++) again.gets(seq, 'alice', `m${seq}`, { replay: true })
    again.synced(0, 2_000)
    again.live()
    for (let seq = 2_001; seq <= 8_100; seq++) {
      alice.says(`m${seq}`, seq)
      again.gets(seq, 'alice', `m${seq}`)
    }
    for (const event of story.events) checker.push(event)
    expect(checker.stateSize()).toBeLessThan(2_000)
    expect(checker.finish().rules.filter(({ verdict }) => verdict === 'fail')).toEqual([])
  })

  it('does not grow with sends that are refused, or with a connection that only sends', () => {
    const story = new Story()
    const alice = story.connect('alice')
    const checker = createChecker({ remembered })
    for (let seq = 1; seq <= 5_000; seq++) {
      alice.does('error', { id: alice.send(`refused${seq}`), code: 104, definite: true })
      alice.says(`m${seq}`, seq)
    }
    for (const event of story.events) checker.push(event)
    expect(checker.stateSize()).toBeLessThan(1_000)
  })
})

describe('what was forgotten', () => {
  const messages = 10_000
  const ofPair = messages / 5

  function finish(events: Iterable<Parameters<ReturnType<typeof createChecker>['push']>[0]>) {
    const { checker } = runOf(messages)
    for (const event of events) checker.push(event)
    return checker.finish().rules
  }

  it('is accepted in a final read as it was', () => {
    const rules = finish(finalRead({ pair: 0, messages: ofPair }))
    expect(rules.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    expect(rules.find(({ rule }) => rule === 'H4')?.examined).toBe(ofPair)
  })

  it('is found to be altered, by the sum of its stretch', () => {
    const rules = finish(finalRead({ pair: 0, messages: ofPair, alter: 77 }))
    expect(rules.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule)).toEqual(['H3'])
    expect(rules.find(({ rule }) => rule === 'H3')?.violations[0]?.expected).toContain('seqs 65 to 128')
  })

  it('is found to be lost', () => {
    const events = [...finalRead({ pair: 0, messages: ofPair })].map((event) =>
      event.kind === 'page' ? { ...event, items: event.items.filter(({ seq }) => seq !== 77) } : event,
    )
    const broken = finish(events).filter(({ verdict }) => verdict === 'fail')
    expect(broken.map(({ rule }) => rule)).toEqual(['H1'])
  })
})
