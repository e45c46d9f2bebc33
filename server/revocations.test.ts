// Revocations: whom they hit, when they end, and that they survive a restart.
import { describe, expect, it } from 'vitest'
import { createRevocations, maxRevocations, maxTokenLifetimeMs } from './revocations.ts'

const dayMs = 86_400_000

describe('revokeSubject', () => {
  it('hits the tokens that the user got until now, and not later ones', () => {
    const { revocations } = setUp(10_500)
    revocations.revokeSubject('alice')
    expect(revocations.isRevoked({ userId: 'alice', issuedAt: 9_000, expiresAt: 0 })).toBe(true)
    expect(revocations.isRevoked({ userId: 'alice', issuedAt: 10_000, expiresAt: 0 })).toBe(true)
    expect(revocations.isRevoked({ userId: 'alice', issuedAt: 11_000, expiresAt: 0 })).toBe(false)
  })

  it('hits a token that does not say when it was issued', () => {
    const { revocations } = setUp()
    revocations.revokeSubject('alice')
    expect(revocations.isRevoked({ userId: 'alice', issuedAt: 0, expiresAt: 0 })).toBe(true)
  })

  it('hits nobody else, whatever the name', () => {
    const { revocations } = setUp()
    revocations.revokeSubject('__proto__')
    expect(revocations.isRevoked({ userId: '__proto__', issuedAt: 0, expiresAt: 0 })).toBe(true)
    expect(
      revocations.isRevoked({ userId: 'toString', tokenId: 'constructor', issuedAt: 0, expiresAt: 0 }),
    ).toBe(false)
  })
})

describe('revokeToken', () => {
  it('hits this token only', () => {
    const { revocations } = setUp()
    revocations.revokeToken('t1')
    expect(revocations.isRevoked({ userId: 'alice', tokenId: 't1', issuedAt: 1, expiresAt: 0 })).toBe(true)
    expect(revocations.isRevoked({ userId: 'alice', tokenId: 't2', issuedAt: 1, expiresAt: 0 })).toBe(false)
    expect(revocations.isRevoked({ userId: 'alice', issuedAt: 1, expiresAt: 0 })).toBe(false)
  })
})

describe('growth', () => {
  it('is undone once the tokens have run out', () => {
    const { revocations, clock } = setUp()
    revocations.revokeToken('short', clock.ms + 60_000)
    revocations.revokeToken('unknown')
    revocations.revokeSubject('alice')
    clock.ms += dayMs
    revocations.revokeToken('now')
    expect(namesIn(revocations.toRecord())).toEqual(['alice', 'unknown', 'now'])
    clock.ms += maxTokenLifetimeMs
    revocations.revokeToken('last')
    expect(namesIn(revocations.toRecord())).toEqual(['last'])
  })

  it('keeps an entry past exp for as long as leeway and grace can stretch a token', () => {
    const { revocations, clock } = setUp()
    revocations.revokeToken('t1', clock.ms + 60_000)
    clock.ms += 60_000 + 30_000 + 30_000
    revocations.revokeToken('t2')
    expect(revocations.isRevoked({ userId: 'alice', tokenId: 't1', issuedAt: 1, expiresAt: 1 })).toBe(true)
  })

  it('ends with a refusal and never forgets an entry that is in force', () => {
    const { revocations } = setUp()
    revocations.load({
      subjects: [],
      tokens: Array.from({ length: maxRevocations }, (_, i) => [`t${i}`, 9e15]),
    })
    expect(() => revocations.revokeToken('one more')).toThrow(/100000 revocations/)
    expect(() => revocations.revokeSubject('alice')).toThrow(/100000 revocations/)
    expect(() => revocations.revokeToken('t1')).not.toThrow()
    expect(revocations.isRevoked({ userId: 'x', tokenId: 't0', issuedAt: 1, expiresAt: 0 })).toBe(true)
  })
})

describe('load', () => {
  it('brings back what toRecord gave, through JSON', () => {
    const { revocations } = setUp(10_000)
    revocations.revokeToken('t1')
    revocations.revokeSubject('alice')
    const restarted = setUp(20_000).revocations
    restarted.load(JSON.parse(JSON.stringify(revocations.toRecord())))
    expect(restarted.isRevoked({ userId: 'bob', tokenId: 't1', issuedAt: 1, expiresAt: 0 })).toBe(true)
    expect(restarted.isRevoked({ userId: 'alice', issuedAt: 10_000, expiresAt: 0 })).toBe(true)
    expect(restarted.isRevoked({ userId: 'alice', issuedAt: 11_000, expiresAt: 0 })).toBe(false)
  })

  it('never weakens an entry that is there already', () => {
    const old = setUp(10_000).revocations
    old.revokeSubject('alice')
    const { revocations } = setUp(20_000)
    revocations.revokeSubject('alice')
    revocations.load(old.toRecord())
    expect(revocations.isRevoked({ userId: 'alice', issuedAt: 15_000, expiresAt: 0 })).toBe(true)
  })

  it('takes the absence of a record for no revocations', () => {
    const { revocations } = setUp()
    revocations.load(undefined)
    expect(namesIn(revocations.toRecord())).toEqual([])
  })

  it.each([
    [null],
    ['text'],
    [[]],
    [{}],
    [{ subjects: [['a', 1]], tokens: [] }],
    [{ subjects: [], tokens: [[1, 2]] }],
  ])('refuses the damaged record %j', (record) => {
    expect(() => setUp().revocations.load(record)).toThrow(/not readable/)
  })
})

function setUp(ms = 1_700_000_000_000) {
  const clock = { ms }
  return { clock, revocations: createRevocations(() => clock.ms) }
}

function namesIn(record: unknown): string[] {
  const { subjects, tokens } = record as { subjects: [string][]; tokens: [string][] }
  return [...subjects, ...tokens].map(([name]) => name)
}
