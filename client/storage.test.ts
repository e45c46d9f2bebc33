// What is stored comes back as it was, whatever it holds.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { browserStorage, type ClientState, parseState, stringifyState } from './storage.ts'

describe('the stored state', () => {
  it('comes back with text, bytes and anything that looks like them', () => {
    const content = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array())
    const meta = fc.dictionary(fc.constantFrom('base64', 'content', 'other'), fc.string())
    const pending = fc.record({ msgId: fc.uuid(), to: fc.string(), content, meta })
    const position = fc.record({
      conv: fc.string(),
      epoch: fc.string(),
      seq: fc.nat(),
      own: fc.array(fc.nat()),
    })
    const state = fc.record({
      userId: fc.string(),
      positions: fc.array(position),
      pending: fc.array(pending),
    })
    const comesBack = fc.property(state, (one) => {
      expect(parseState(stringifyState(one))).toEqual({ version: 1, ...plain(one) })
    })
    fc.assert(comesBack)
  })

  it('of another version, or of something else, is as good as none', () => {
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{}',
      '{"version":2,"positions":[],"pending":[]}',
      '{"version":1}',
      '{"version":1,"positions":{},"pending":[]}',
      '{"version":1,"positions":[],"pending":"none"}',
    ]) {
      expect(parseState(text)).toBeUndefined()
    }
  })

  it('lies in one item of localStorage', () => {
    const items = new Map<string, string>()
    const area = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
    }
    const storage = browserStorage('chat', area)
    expect(storage.load()).toBeUndefined()
    const state: ClientState = { positions: [{ conv: 'g:a', epoch: 'e', seq: 3 }], pending: [] }
    void storage.save(state)
    expect([...items.keys()]).toEqual(['chat'])
    expect(storage.load()).toMatchObject(state)
  })
})

/** fast-check's dictionaries have no prototype, which no JSON keeps. */
function plain(state: ClientState): ClientState {
  const pending = state.pending.map((one) => (one.meta ? { ...one, meta: { ...one.meta } } : one))
  return { ...state, pending }
}
