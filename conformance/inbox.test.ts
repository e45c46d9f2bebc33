// Waiting for one of many: nothing lost, nothing taken twice, never for ever.
import { expect, test } from 'vitest'
import { Inbox } from './inbox.ts'

const longMs = 10_000

test('a value that came before is taken at once, and only once', async () => {
  const inbox = new Inbox<number>()
  inbox.push(1)
  expect(await inbox.take((value) => value === 1, longMs)).toEqual({ ok: true, value: 1 })
  expect(await inbox.take((value) => value === 1, 1)).toEqual({ ok: false, why: 'deadline' })
  expect(inbox.all).toEqual([1])
})

test('values that were passed over are still there for others', async () => {
  const inbox = new Inbox<number>()
  for (const value of [1, 2, 3]) inbox.push(value)
  expect(await inbox.take((value) => value === 3, longMs)).toMatchObject({ value: 3 })
  expect(await inbox.take(() => true, longMs)).toMatchObject({ value: 1 })
})

test('one value serves one of two who wait, the first first', async () => {
  const inbox = new Inbox<number>()
  const first = inbox.take(() => true, longMs)
  const second = inbox.take(() => true, longMs)
  inbox.push(1)
  inbox.push(2)
  expect([await first, await second]).toMatchObject([{ value: 1 }, { value: 2 }])
})

test('the end is told at once to those who wait and to those who come later', async () => {
  const inbox = new Inbox<number>()
  const waiting = inbox.take(() => true, longMs)
  inbox.end()
  expect(await waiting).toEqual({ ok: false, why: 'ended' })
  expect(await inbox.take(() => true, longMs)).toEqual({ ok: false, why: 'ended' })
})

test('what arrived before the end can still be taken', async () => {
  const inbox = new Inbox<number>()
  inbox.push(1)
  inbox.end()
  expect(await inbox.take(() => true, longMs)).toEqual({ ok: true, value: 1 })
})
