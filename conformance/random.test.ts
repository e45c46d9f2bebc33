// The same seed, the same choices.
import { expect, test } from 'vitest'
import { Random } from './random.ts'

test('the same seed and name give the same stream, another name another', () => {
  const draw = (seed: number, name: string) => {
    const random = Random.derive(seed, name)
    return [random.integer(0, 1e9), random.text(20), random.shuffled([1, 2, 3, 4, 5]), random.bytes(4)]
  }
  expect(draw(7, 'acks/x json')).toEqual(draw(7, 'acks/x json'))
  expect(draw(7, 'acks/x json')).not.toEqual(draw(7, 'acks/x cbor'))
  expect(draw(7, 'acks/x json')).not.toEqual(draw(7, 'dedup/x json'))
  expect(draw(7, 'acks/x json')).not.toEqual(draw(8, 'acks/x json'))
})

test('integers reach both ends and never leave them', () => {
  const random = new Random(1)
  const drawn = Array.from({ length: 1_000 }, () => random.integer(3, 5))
  expect([...new Set(drawn)].sort()).toEqual([3, 4, 5])
})

test('a shuffled list has the same items', () => {
  const items = Array.from({ length: 50 }, (_, index) => index)
  const shuffled = new Random(3).shuffled(items)
  expect(shuffled).not.toEqual(items)
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items)
})

test('random text is well-formed and of the length asked for', () => {
  const text = new Random(5).text(200)
  expect([...text]).toHaveLength(200)
  expect(() => encodeURIComponent(text)).not.toThrow()
})
