import { expect, it } from 'vitest'
import { createSessionIds } from './session-ids.ts'

it('gives 16 characters that differ every time, also after the bytes were drawn anew', () => {
  const nextId = createSessionIds()
  const ids = Array.from({ length: 1_000 }, nextId)
  for (const id of ids) expect(id).toMatch(/^[\w-]{16}$/)
  expect(new Set(ids).size).toBe(1_000)
})
