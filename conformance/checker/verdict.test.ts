// H17 to H19 and the verdicts: restarts, vacuity, and the honesty of the harness.
import { describe, expect, it } from 'vitest'
import { checkHistory, createChecker } from './checker.ts'
import type { CheckerChoices } from './options.ts'
import { pair } from './testing/spoken.ts'
import { at, broken, direct, epoch, seen, type Story } from './testing/story.ts'

function ruleOf(story: Story, rule: string, choices: CheckerChoices = {}) {
  return checkHistory(story.events, choices).rules.find((one) => one.rule === rule)
}

describe('H17: restarts', () => {
  it('does not apply without one, and passes if nothing broke over it', () => {
    const { story, alice } = pair()
    expect(ruleOf(story, 'H17')?.verdict).toBe('not-applicable')
    story.kill()
    alice.close(false)
    story.returns('alice')
    expect(ruleOf(story, 'H17')?.verdict).toBe('pass')
  })

  it('finds that the dedup was forgotten', () => {
    const { story, alice } = pair()
    story.kill()
    alice.close(false)
    const again = story.returns('alice')
    again.sent(again.send('a'), 'a', 3)
    expect(broken(story)).toEqual(['H12', 'H17'])
  })

  it('lets a server that keeps all in memory lose all, but not number anew in the same epoch', () => {
    for (const newEpoch of ['e2', epoch]) {
      const { story, alice } = pair()
      const capabilities = ['durability=memory']
      story.events.unshift({ kind: 'header', format: 'chatspec-history', version: 1, capabilities })
      story.kill()
      alice.close(false)
      const again = story.connect('alice')
      again.sent(again.send('c'), 'c', 1, { epoch: newEpoch, timestamp: 5_000 })
      expect(broken(story)).toEqual(newEpoch === epoch ? ['H3', 'H17'] : [])
    }
  })

  it('finds that the numbering began anew', () => {
    const { story, alice } = pair()
    story.kill()
    alice.close(false)
    const again = story.returns('alice')
    again.sent(again.send('c'), 'c', 1)
    expect(broken(story)).toEqual(['H3', 'H17'])
  })
})

describe('H18: enough happened', () => {
  it('is unknown for an empty history, and so is everything', () => {
    const report = checkHistory([])
    expect(report.verdict).toBe('unknown')
    expect(report.rules.filter(({ verdict }) => verdict === 'pass')).toEqual([])
  })

  it('is unknown below the minimum, and the reason says what is missing', () => {
    const { story } = pair()
    const choices = { minimum: { okSends: 3, resumes: 1 } }
    expect(ruleOf(story, 'H18')?.verdict).toBe('pass')
    expect(ruleOf(story, 'H18', choices)?.verdict).toBe('unknown')
    expect(ruleOf(story, 'H18', choices)?.reason).toBe(
      'too little happened: okSends 2, at least 3; resumes 0, at least 1',
    )
  })

  it('makes the whole verdict unknown, and a failure outweighs it', () => {
    const { story, bob } = pair()
    expect(checkHistory(story.events).verdict).toBe('unknown')
    bob.readsAtEnd([seen(1, 'alice', 'a'), seen(2, 'bob', 'b')])
    story.quiet()
    const required = ['H1', 'H2', 'H3', 'H4', 'H7', 'H8', 'H10', 'H18'] as const
    expect(checkHistory(story.events, { required }).verdict).toBe('pass')
    expect(checkHistory(story.events, { required, minimum: { faults: 1 } }).verdict).toBe('unknown')
    bob.gets(9, 'alice', 'nobody')
    expect(checkHistory(story.events, { required, minimum: { faults: 1 } }).verdict).toBe('fail')
  })

  it('does not ask for what the server does not declare', () => {
    const { story } = pair()
    story.events.unshift({ kind: 'header', format: 'chatspec-history', version: 1, capabilities: ['sync'] })
    expect(ruleOf(story, 'H11')?.verdict).toBe('not-applicable')
    expect(ruleOf(story, 'H14')?.verdict).toBe('unknown')
    expect(ruleOf(story, 'H11', { capabilities: ['history=window'] })?.verdict).toBe('unknown')
  })
})

describe('H19: the honesty of the harness', () => {
  it('accepts what is wrong on purpose', () => {
    const { story, alice, bob } = pair()
    bob.does('invalid', { deliberate: true })
    bob.does('ack', { ...at(50), deliberate: true })
    const id = alice.asks('send', { msgId: 'a', conv: direct, hash: 1, deliberate: true })
    alice.does('error', { id, code: 106, definite: true })
    expect(broken(story)).toEqual([])
  })

  it('finds time that goes back', () => {
    const { story, bob } = pair()
    story.ms = 1
    bob.acks(2)
    expect(broken(story)).toEqual(['H19'])
  })

  it('finds events outside of a connection, and a connection that opens twice', () => {
    const closed = pair()
    closed.bob.close()
    closed.bob.acks(1)
    expect(broken(closed.story)).toEqual(['H19'])
    const twice = pair()
    twice.bob.does('connect', {})
    expect(broken(twice.story)).toEqual(['H19'])
    const onPurpose = pair()
    onPurpose.bob.does('connect', { deliberate: true })
    expect(broken(onPurpose.story)).toEqual([])
  })

  it('finds cursors of what the device never got', () => {
    const { story, bob } = pair()
    bob.asks('sync', { cursors: [at(3)] })
    expect(broken(story)).toEqual(['H19'])
    const resumed = pair()
    resumed.bob.close()
    resumed.story.returns('bob', { cursors: [at(3)] })
    expect(broken(resumed.story)).toEqual(['H19'])
  })

  it('finds a frame, an ack and a msgId that no client writes', () => {
    const { story, alice, bob } = pair()
    bob.does('invalid', { deliberate: false })
    bob.acks(50)
    alice.asks('send', { msgId: 'a', conv: direct, hash: 1 })
    expect(broken(story)).toEqual(['H19'])
    expect(ruleOf(story, 'H19')?.violationCount).toBe(3)
  })

  it('makes the whole verdict a harness-error', () => {
    const { story, bob } = pair()
    bob.gets(9, 'alice', 'nobody')
    bob.does('invalid', { deliberate: false })
    expect(checkHistory(story.events).verdict).toBe('harness-error')
  })
})

describe('the counts', () => {
  it('say how much each rule has looked at', () => {
    const { story, alice, bob } = pair()
    alice.sent(alice.send('a'), 'a', 1, { duplicate: true })
    bob.acks(1)
    alice.does('receipt', { ...at(1), reader: 'bob', mark: 'delivered' })
    alice.does('presence', { peer: 'bob', online: true })
    const back = story.returns('bob', { device: 'laptop', cursors: [at(0)] })
    back.gets(1, 'alice', 'a', { replay: true })
    back.gets(2, 'bob', 'b', { replay: true })
    back.synced(0, 2)
    back.live()
    story.ms += 10_000
    bob.fence()
    story.quiet()
    alice.readsAtEnd([seen(1, 'alice', 'a'), seen(2, 'bob', 'b')])
    const { rules, counters } = checkHistory(story.events)
    const examined = Object.fromEntries(rules.map((one) => [one.rule, one.examined]))
    expect(examined).toMatchObject({
      H1: 2,
      H2: 2,
      H3: 9,
      H4: 2,
      H5: 2,
      H6: 1,
      H7: 4,
      H10: 9,
      H11: 2,
      H12: 1,
    })
    expect(examined).toMatchObject({ H8: 5, H9: 0, H13: 1, H14: 1, H15: 1, H16: 1, H17: 0, H18: 1 })
    expect(counters).toMatchObject({
      sends: 3,
      okSends: 2,
      duplicateAcks: 1,
      deliveries: 4,
      replays: 2,
      resumes: 1,
    })
    expect(counters).toMatchObject({
      connects: 3,
      fences: 1,
      quiets: 1,
      historyItems: 2,
      finalReads: 1,
      gaps: 0,
    })
  })
})

describe('a violation', () => {
  it('says what was expected and what came, and shows the events that prove it', () => {
    const { story, bob } = pair()
    bob.does('gap', { conv: direct, epoch, from: 2, to: 2, reason: 'overflow' })
    bob.gets(1, 'alice', 'a')
    const [violation] = ruleOf(story, 'H7')?.violations ?? []
    expect(violation?.expected).toBe('bob/1 to get d:alice:bob in ascending order, after seq 1')
    expect(violation?.actual).toBe('seq 1')
    expect(violation?.events.map(({ kind }) => kind)).toEqual(['sent', 'deliver'])
  })

  it('is counted every time and kept only so often', () => {
    const { story, bob } = pair()
    for (let count = 0; count < 50; count++) bob.gets(1, 'alice', 'a')
    const report = ruleOf(story, 'H7', { keptViolations: 3 })
    expect(report).toMatchObject({ violationCount: 50, verdict: 'fail' })
    expect(report?.violations).toHaveLength(3)
  })
})

describe('createChecker', () => {
  it('refuses options outside of their range, by name, value and range', () => {
    expect(() => createChecker({ remembered: -1 })).toThrow(
      'remembered: -1 given, an integer from 0 is allowed',
    )
    expect(() => createChecker({ minimum: { finalReadShare: 2 } })).toThrow(
      'minimum.finalReadShare: 2 given, 0 to 1',
    )
    expect(() => createChecker({ required: ['H99' as 'H9'] })).toThrow('required: H99 given, H1, H2')
  })

  it('judges in one pass what checkHistory judges', () => {
    const { story } = pair()
    const checker = createChecker()
    for (const event of story.events) checker.push(event)
    expect(checker.finish()).toEqual(checkHistory(story.events))
  })
})
