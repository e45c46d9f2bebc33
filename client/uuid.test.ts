// Message ids are what the protocol asks for, also where browsers have no crypto.randomUUID.
import { afterEach, expect, it, vi } from 'vitest'
import { msgIdPattern } from '../protocol/index.ts'
import { randomUuid } from './uuid.ts'

afterEach(() => vi.unstubAllGlobals())

it('makes UUIDs of version 4 from any random bytes, without crypto.randomUUID', () => {
  for (const [byte, uuid] of [
    [0x00, '00000000-0000-4000-8000-000000000000'],
    [0xff, 'ffffffff-ffff-4fff-bfff-ffffffffffff'],
    [0x0a, '0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a'],
  ] as const) {
    vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(byte) })
    expect(randomUuid()).toBe(uuid)
  }
})

it('makes another one each time, in which every free bit is random', () => {
  const made = Array.from({ length: 1_000 }, () => randomUuid())
  expect(new Set(made).size).toBe(made.length)
  expect(made.filter((uuid) => !msgIdPattern.test(uuid))).toEqual([])
  const bits = made.map((uuid) => BigInt(`0x${uuid.replaceAll('-', '')}`))
  const always = bits.reduce((a, b) => a & b)
  const ever = bits.reduce((a, b) => a | b)
  const ones = (value: bigint) => [...value.toString(2)].filter((bit) => bit === '1').length
  expect([ones(always), ones(ever)]).toEqual([2, 124])
})
