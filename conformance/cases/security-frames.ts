// Frames that are made to do harm: SPEC.md#security.
import { randomUUID } from 'node:crypto'
import { frameNumbers, maxDepth } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import { expectAnswer, expectEqual, expectError } from '../expect.ts'
import { binaryMessage } from '../loose.ts'
import { all } from '../outcome.ts'
import { expectEachCloses, labelled, type Messages, writeMessage } from '../provoke.ts'

// [SEC-04] A frame with a duplicate key at any level MUST be refused with 4502.
export const duplicateKeyCloses = defineCase({
  id: 'security/duplicate-key-closes',
  rules: ['SEC-04'],
  level: 'must',
  async run(t) {
    return expectEachCloses(t, duplicateKeys[t.encoding], 'BAD_FRAME')
  },
})

// [SEC-04] Maps and arrays may be nested 8 deep, the frame's own map being the first level, and not deeper.
export const nestingIsBounded = defineCase({
  id: 'security/nesting-is-bounded',
  rules: ['SEC-04'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const shapes = Object.entries(nested[t.encoding])
    const checks = []
    for (const [shape, nest] of shapes) {
      writeMessage(alice, nest(maxDepth))
      checks.push(labelled(`${shape}, ${maxDepth} levels`, expectEqual('n', (await alice.next('pong')).n, 1)))
    }
    const deepest = Math.min(5_000, Math.floor(t.limits.maxFrame / 10))
    const tooDeep = shapes.flatMap(([shape, nest]) =>
      [maxDepth + 1, 100, deepest].map((levels) => [`${shape}, ${levels} levels`, nest(levels)]),
    )
    return all(...checks, await expectEachCloses(t, Object.fromEntries(tooDeep), 'BAD_FRAME'))
  },
})

// [SEC-04] Keys such as `__proto__` or `constructor` have no effect.
export const keysOfObjectsHaveNoEffect = defineCase({
  id: 'security/keys-of-objects-have-no-effect',
  rules: ['SEC-04'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const to = bob.user.id
    const poison = { to, content: 'poison', from: to, id: 1, contentType: 'poison/poison' }
    const keys = {
      ['__proto__']: poison,
      constructor: { prototype: poison },
      prototype: poison,
      toString: 1,
      hasOwnProperty: 1,
    }
    const meta = { constructor: 'x', prototype: 'y' }
    const msgId = randomUUID()
    const whole = await alice.request({ type: 'send', msgId, to, content: 'pure', meta, ...keys })
    const { from, content, contentType, meta: arrived } = await bob.delivery({ msgId })
    const partial = await alice.request({ type: 'send', msgId: randomUUID(), ...keys })
    const bystander = await (await t.connect()).request({ type: 'send', msgId: randomUUID() })
    const wanted = { from: alice.user.id, content: 'pure', contentType: undefined, meta }
    return all(
      expectAnswer(whole, 'sent'),
      expectEqual('msg', { from, content, contentType, meta: arrived }, wanted),
      labelled('fields in a prototype', expectError(partial, 'BAD_REQUEST')),
      labelled('a bystander without fields', expectError(bystander, 'BAD_REQUEST')),
    )
  },
})

const duplicateKeys: Record<'json' | 'cbor', Messages> = {
  json: {
    'two values': '{"type":"ping","n":1,"n":2}',
    'one value twice': '{"type":"ping","n":1,"n":1}',
    'two types': '{"type":"ping","type":"pong","n":1}',
    'another spelling': '{"type":"ping","n":1,"\\u006e":2}',
    'an unknown field': '{"type":"ping","n":1,"x":0,"x":0}',
    'in a map': '{"type":"ping","n":1,"x":{"a":1,"b":2,"a":3}}',
    'in a list of maps': '{"type":"ping","n":1,"x":[{},{"":1,"":1}]}',
    'of a prototype': '{"type":"ping","n":1,"__proto__":1,"__proto__":2}',
    'in a frame of unknown type': '{"type":"shout","a":1,"a":2}',
  },
  cbor: {
    'two values': ping('a2 616e 01 616e 02'),
    'one value twice': ping('a2 616e 01 616e 01'),
    'an unknown field': ping('a3 616e 01 6178 00 6178 00'),
    'in a map': ping('a2 616e 01 6178 a3 6161 01 6162 02 6161 03'),
    'in a list of maps': ping('a2 616e 01 6178 82 a0 a2 60 01 60 01'),
    'of a prototype': ping('a3 616e 01 695f5f70726f746f5f5f 01 695f5f70726f746f5f5f 02'),
  },
}

/** A `ping` of so many levels, its own map included. */
type Nest = (levels: number) => string | Uint8Array

const nested: Record<'json' | 'cbor', Record<string, Nest>> = {
  json: {
    lists: (levels) => `{"type":"ping","n":1,"x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`,
    maps: (levels) => `{"type":"ping","n":1,"x":${'{"a":'.repeat(levels - 1)}1${'}'.repeat(levels - 1)}}`,
  },
  cbor: {
    lists: (levels) => ping(`a2 616e 01 6178 ${'81'.repeat(levels - 2)}80`),
    maps: (levels) => ping(`a2 616e 01 6178 ${'a16161'.repeat(levels - 1)}01`),
  },
}

function ping(body: string): Buffer {
  return binaryMessage({ type: frameNumbers.ping, body: Buffer.from(body.replaceAll(' ', ''), 'hex') })
}
