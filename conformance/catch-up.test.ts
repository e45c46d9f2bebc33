// After a gap the probe asks for what is missing, as often as it takes, and for nothing else.
import { expect, test } from 'vitest'
import type { Synced } from '../protocol/index.ts'
import { CatchUp } from './catch-up.ts'

const place = { conv: 'g:team', epoch: 'e' }
const synced: Synced = { type: 'synced', ...place, from: 3, to: 5, top: 9, complete: false, recovered: true }

function begun(): CatchUp {
  const catchUp = new CatchUp()
  catchUp.limit = 2
  return catchUp
}

test('a gap is followed by a sync from where it begins', () => {
  const request = begun().after({ type: 'gap', ...place, from: 3, to: 9, reason: 'overflow' }, () => 7)
  expect(request).toEqual({ type: 'sync', id: 7, cursors: [{ ...place, seq: 3 }], limit: 2 })
})

test('what remains is asked for, until nothing does', () => {
  const catchUp = begun()
  catchUp.after({ type: 'gap', ...place, from: 3, to: 9, reason: 'overflow' }, () => 7)
  expect(catchUp.after({ ...synced, id: 7 }, () => 8)).toMatchObject({ id: 8, cursors: [{ seq: 5 }] })
  expect(catchUp.after({ ...synced, id: 8, to: 9, complete: true }, () => 9)).toBeUndefined()
})

test('a sync of the case is its own business', () => {
  expect(begun().after({ ...synced, id: 4 }, () => 8)).toBeUndefined()
  expect(begun().after(synced, () => 8)).toBeUndefined()
})
