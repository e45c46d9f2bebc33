// Marks are right whatever order receipts come in, however often, and with reloads in between.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Receipt } from '../../protocol/index.ts'
import { Receipts } from './receipts.ts'

const conv = 'd:alice:bob'

describe('receipts', () => {
  it('say the most that any receipt said, over reloads', () => {
    const receipt = fc.record({
      type: fc.constant('receipt' as const),
      conv: fc.constant(conv),
      epoch: fc.constantFrom('e1', 'e2'),
      user: fc.constantFrom('alice', 'bob', '__proto__', 'constructor'),
      kind: fc.constantFrom('delivered' as const, 'read' as const),
      seq: fc.nat(5),
    })
    const property = fc.property(fc.array(fc.tuple(receipt, fc.boolean())), (steps) => {
      const area = memory()
      let receipts = new Receipts('alice/', area)
      for (const [one, reloads] of steps) {
        receipts.add(one)
        if (reloads) receipts = new Receipts('alice/', area)
      }
      for (const epoch of ['e1', 'e2']) {
        for (let seq = 1; seq <= 5; seq++) {
          const told = steps.map(([one]) => one).filter((one) => one.epoch === epoch && one.seq >= seq)
          expect(receipts.markOf('alice', { conv, epoch, seq })).toEqual(expected(told))
        }
      }
    })
    fc.assert(property)
  })

  it('are not undone by smaller ones, or by those of another epoch', () => {
    const receipts = new Receipts('alice/', memory())
    expect(receipts.add(receipt({ kind: 'read', seq: 5 }))).toBe(true)
    for (const late of [
      { kind: 'read', seq: 5 },
      { kind: 'read', seq: 2 },
      { kind: 'delivered', seq: 4 },
      { kind: 'read', seq: 9, epoch: 'e0' },
    ] as const) {
      receipts.add(receipt(late))
      expect(receipts.markOf('alice', { conv, epoch: 'e1', seq: 5 })).toEqual(['read', 1])
      expect(receipts.markOf('alice', { conv, epoch: 'e1', seq: 6 })).toEqual(['sent', 0])
    }
    expect(receipts.add(receipt({ kind: 'read', seq: 5 }))).toBe(false)
  })

  it('keep no epoch for ever, and none of what is no receipt', () => {
    const area = memory()
    const receipts = new Receipts('alice/', area)
    for (const epoch of ['e1', 'e2', 'e3', 'e4']) receipts.add(receipt({ kind: 'read', seq: 1, epoch }))
    expect(receipts.markOf('alice', { conv, epoch: 'e1', seq: 1 })).toEqual(['sent', 0])
    expect(receipts.markOf('alice', { conv, epoch: 'e2', seq: 1 })).toEqual(['read', 1])
    for (const text of ['{', 'null', '{"epoch":"e1","users":{}}', '[["e1",[["bob",{"read":"9"}]]]]']) {
      area.setItem(`alice/receipts/${conv}`, text)
      expect(new Receipts('alice/', area).markOf('alice', { conv, epoch: 'e1', seq: 1 })).toEqual(['sent', 0])
    }
  })

  it('are shown although the storage is full', () => {
    const full = {
      getItem: () => null,
      setItem() {
        throw new Error('QuotaExceededError')
      },
    }
    const receipts = new Receipts('alice/', full)
    receipts.add(receipt({ kind: 'read', seq: 1 }))
    expect(receipts.markOf('alice', { conv, epoch: 'e1', seq: 1 })).toEqual(['read', 1])
  })
})

function expected(told: Receipt[]): [string, number] {
  for (const kind of ['read', 'delivered'] as const) {
    const users = new Set(
      told.filter((one) => one.kind === kind && one.user !== 'alice').map(({ user }) => user),
    )
    if (users.size > 0) return [kind, users.size]
  }
  return ['sent', 0]
}

function receipt(fields: Partial<Receipt> & Pick<Receipt, 'kind' | 'seq'>): Receipt {
  return { type: 'receipt', conv, epoch: 'e1', user: 'bob', ...fields }
}

function memory(): Pick<Storage, 'getItem' | 'setItem'> {
  const items = new Map<string, string>()
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) }
}
