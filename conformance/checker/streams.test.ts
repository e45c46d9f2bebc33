// H7 and H9: one connection, one conversation, and what comes again after a reconnect.
import { describe, expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import { spoken } from './testing/spoken.ts'
import { at, broken, Story } from './testing/story.ts'

const replay = { replay: true }

describe('H7: a connection goes forward and skips nothing', () => {
  it('accepts the messages in order', () => {
    expect(broken(spoken(5).story)).toEqual([])
  })

  it('judges a connection that was replaced by what came on it, not by what its device has got since', () => {
    for (const known of [0, 1]) {
      const story = new Story()
      const [alice, bob] = [story.connect('alice'), story.connect('bob')]
      if (known > 0) alice.says('a', 1)
      if (known > 0) bob.gets(1, 'alice', 'a')
      const newer = story.returns('bob')
      alice.says('b', known + 1)
      newer.gets(known + 1, 'alice', 'b', replay)
      newer.synced(known, known + 1)
      newer.live()
      newer.acks(known + 1)
      bob.gets(known + 1, 'alice', 'b')
      expect(broken(story)).toEqual([])
      bob.gets(known + 1, 'alice', 'b')
      expect(broken(story)).toContain('H7')
    }
  })

  it('counts own sends as seen on the connection that sent them', () => {
    const { story, alice, bob } = spoken(5)
    bob.says('f', 6)
    alice.gets(6, 'bob', 'f')
    alice.says('g', 7)
    bob.gets(7, 'alice', 'g')
    expect(broken(story)).toEqual([])
  })

  it('accepts own acks that run ahead of what waits for the window', () => {
    const { story, alice, bob } = spoken(3)
    bob.says('f', 6)
    bob.gets(4, 'alice', 'd')
    bob.gets(5, 'alice', 'e')
    alice.gets(6, 'bob', 'f')
    alice.says('g', 7)
    bob.gets(7, 'alice', 'g')
    expect(broken(story)).toEqual([])
  })

  it('ignores the old seq of a duplicate ack', () => {
    const { story, bob } = spoken(5)
    bob.says('f', 6)
    bob.sent(bob.send('f'), 'f', 6, { duplicate: true })
    expect(broken(story)).toEqual([])
  })

  it('finds a skipped message', () => {
    const { story, bob } = spoken(2)
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual(['H7'])
  })

  it('finds two messages in the wrong order', () => {
    const { story, bob } = spoken(2)
    bob.gets(4, 'alice', 'd')
    bob.gets(3, 'alice', 'c')
    expect(broken(story)).toEqual(['H7'])
  })

  it('finds a repeat', () => {
    const { story, bob } = spoken(3)
    bob.gets(3, 'alice', 'c')
    expect(broken(story)).toEqual(['H7'])
  })

  it('finds a skip that hides behind an own send', () => {
    const { story, bob } = spoken(3)
    bob.says('f', 6)
    bob.gets(5, 'alice', 'e')
    expect(broken(story)).toEqual(['H7'])
  })

  it('accepts a skip that a gap announces, and no other', () => {
    const announced = spoken(2)
    announced.bob.does('gap', { ...at(0), from: 2, to: 4, reason: 'overflow' })
    announced.bob.gets(5, 'alice', 'e')
    expect(broken(announced.story)).toEqual([])
    const other = spoken(2)
    other.bob.does('gap', { ...at(0), from: 3, to: 4, reason: 'overflow' })
    expect(broken(other.story)).toEqual(['H7'])
  })

  it('finds a message that a gap has given up', () => {
    const { story, bob } = spoken(2)
    bob.does('gap', { ...at(0), from: 2, to: 4, reason: 'overflow' })
    bob.gets(4, 'alice', 'd')
    expect(broken(story)).toEqual(['H7'])
  })

  it('begins anew at the cursor of a resume', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [at(2)] })
    again.gets(3, 'alice', 'c', replay)
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.synced(2, 5)
    again.live()
    expect(broken(story)).toEqual([])
  })

  it('begins anew at the cursor of a sync', () => {
    const { story, bob } = spoken(5)
    const id = bob.asks('sync', { cursors: [at(3)] })
    bob.gets(4, 'alice', 'd', replay)
    bob.gets(5, 'alice', 'e', replay)
    bob.synced(3, 5, { id })
    bob.does('live', { id })
    expect(broken(story)).toEqual([])
  })

  it('lets live messages come until a sync takes effect', () => {
    const { story, bob } = spoken(4)
    const id = bob.asks('sync', { cursors: [at(3)] })
    bob.gets(5, 'alice', 'e')
    bob.gets(4, 'alice', 'd', replay)
    bob.gets(5, 'alice', 'e', replay)
    bob.synced(3, 5, { id })
    bob.does('live', { id })
    expect(broken(story)).toEqual([])
  })

  it('finds a skip at the beginning of a replay', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [at(2)] })
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.synced(2, 5)
    again.live()
    expect(broken(story)).toEqual(['H7'])
    expect(checkHistory(story.events).rules.find(({ rule }) => rule === 'H7')?.violationCount).toBe(1)
  })

  it('lets a client resume behind a gap', () => {
    const { story, bob } = spoken(2)
    bob.does('gap', { ...at(0), from: 2, to: 4, reason: 'overflow' })
    bob.close(false)
    const again = story.returns('bob', { cursors: [at(4)] })
    again.gets(5, 'alice', 'e', replay)
    again.synced(4, 5)
    again.live()
    expect(broken(story)).toEqual([])
  })

  it('accepts it if the synced says that it was not recovered', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [at(2)] })
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.synced(3, 5, { recovered: false })
    expect(broken(story)).toEqual([])
  })

  it('finds it if what that gives up is less than what is missing', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [at(1)] })
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.synced(2, 5, { recovered: false })
    expect(broken(story)).toEqual(['H7'])
  })

  it('finds it also if no synced ends the replay', () => {
    const { story, bob } = spoken(5)
    bob.acks(2)
    bob.close(false)
    const again = story.returns('bob', { device: 'laptop' })
    again.gets(2, 'alice', 'b', replay)
    for (const [index, msgId] of ['c', 'd', 'e'].entries()) again.gets(index + 3, 'alice', msgId, replay)
    again.live()
    expect(broken(story)).toEqual(['H7'])
  })

  it('finds a repeat of what the resume named', () => {
    const { story, bob } = spoken(5)
    bob.close(false)
    const again = story.returns('bob', { cursors: [at(4)] })
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.synced(4, 5)
    again.live()
    expect(broken(story)).toEqual(['H7'])
  })

  it('finds a change of epoch that nothing announced', () => {
    const { story, bob } = spoken(5)
    bob.gets(1, 'alice', 'a', { epoch: 'e2' })
    expect(broken(story)).toEqual(['H7'])
    bob.gets(2, 'alice', 'b', { epoch: 'e2' })
    const { rules } = checkHistory(story.events)
    expect(rules.find(({ rule }) => rule === 'H7')?.violationCount).toBe(1)
  })

  it('finds that a stream goes back although the sync that could have set it back was refused', () => {
    const { story, bob } = spoken(5)
    const id = bob.asks('sync', { cursors: [at(3)] })
    bob.does('error', { id, code: 103, definite: true })
    bob.gets(4, 'alice', 'd', replay)
    expect(broken(story)).toEqual(['H7'])
  })
})

describe('H9: repeats after a reconnect', () => {
  it('accepts flagged repeats of what was not acknowledged', () => {
    const { story, bob } = spoken(5)
    bob.acks(3)
    bob.close(false)
    const again = story.returns('bob')
    again.gets(4, 'alice', 'd', replay)
    again.gets(5, 'alice', 'e', replay)
    again.synced(3, 5)
    again.live()
    expect(broken(story)).toEqual([])
    const { counters, rules } = checkHistory(story.events)
    expect(counters.replays).toBe(2)
    expect(rules.find(({ rule }) => rule === 'H9')?.examined).toBe(2)
  })

  it('finds a repeat without the flag', () => {
    const { story, bob } = spoken(5)
    bob.acks(4)
    bob.close(false)
    const again = story.returns('bob')
    again.gets(5, 'alice', 'e')
    again.synced(4, 5)
    again.live()
    expect(broken(story)).toEqual(['H9'])
  })

  it('finds a repeat of what the server knew to be acknowledged', () => {
    const { story, bob } = spoken(5)
    bob.does('ok', { id: bob.asks('ack', at(5)) })
    bob.close()
    const again = story.returns('bob')
    again.gets(5, 'alice', 'e', replay)
    again.synced(4, 5)
    again.live()
    expect(broken(story)).toEqual(['H9'])
  })

  it('finds it also if the client asked for another conversation', () => {
    const { story, bob } = spoken(5)
    bob.does('ok', { id: bob.asks('ack', at(5)) })
    bob.close()
    const again = story.returns('bob', { cursors: [at(0, 'd:bob:carol')] })
    again.gets(5, 'alice', 'e', replay)
    again.synced(4, 5)
    expect(broken(story)).toEqual(['H9'])
  })

  it('accepts it after a restart, and if the client asked for it', () => {
    const restarted = spoken(5)
    restarted.bob.does('ok', { id: restarted.bob.asks('ack', at(5)) })
    restarted.bob.close(false)
    restarted.story.kill()
    const again = restarted.story.returns('bob')
    again.gets(5, 'alice', 'e', replay)
    again.synced(4, 5)
    expect(broken(restarted.story)).toEqual([])
    const synced = spoken(5)
    synced.bob.does('ok', { id: synced.bob.asks('ack', at(5)) })
    synced.bob.close()
    const live = synced.story.connect('bob')
    live.asks('sync', { cursors: [at(4)] })
    live.gets(5, 'alice', 'e', replay)
    expect(broken(synced.story)).toEqual([])
    const asked = spoken(5)
    asked.bob.does('ok', { id: asked.bob.asks('ack', at(5)) })
    asked.bob.close()
    const resumed = asked.story.returns('bob', { cursors: [at(4)] })
    resumed.gets(5, 'alice', 'e', replay)
    resumed.synced(4, 5)
    expect(broken(asked.story)).toEqual([])
  })
})
