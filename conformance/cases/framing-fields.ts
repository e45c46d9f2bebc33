// Framing and codec, the fields of a frame: SPEC.md#every-message, SPEC.md#types.
import { randomUUID } from 'node:crypto'
import { maxSafe } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectAnswer, expectEqual, expectError, expectNone } from '../expect.ts'
import type { LooseFrame } from '../loose.ts'
import { all } from '../outcome.ts'
import { expectEachRefused, labelled, type Refusal } from '../provoke.ts'
import type { Session } from '../session.ts'

type Rows = Record<string, Refusal>

// [FRM-04] A field that is missing, mistyped or out of range: error 101 that names it, and nothing else happens.
export const wrongFieldIsNamed = defineCase({
  id: 'framing/wrong-field-is-named',
  rules: ['FRM-04'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const refused = await expectEachRefused(t, alice, { ...wrongSends(bob), ...wrongRequests(t, bob) })
    const first = await alice.dm(bob)
    const others = expectNone(await bob.fence(first.conv), 'msg', ({ msgId }) => msgId !== first.msgId)
    return all(refused, others, expectEqual('seq of the first good send', first.seq, 1))
  },
})

// [FRM-04] An `id` that is no request id: error 101 that names it, without an id.
export const wrongIdIsNamed = defineCase({
  id: 'framing/wrong-id-is-named',
  rules: ['FRM-04'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const checks = []
    for (const id of [undefined, 0, -1, 2 ** 32, 1.5, '1', true, [1]]) {
      alice.write({ type: 'network', network: 'wifi', id })
      const error = await alice.next('error')
      checks.push(labelled(`id ${id}`, expectError(error, 'BAD_REQUEST', 'id')))
      checks.push(expectEqual(`id of the answer to ${id}`, error.id, undefined))
    }
    return all(...checks)
  },
})

// [FRM-04] What is at a bound is in range.
export const valuesAtTheirBoundsAreAccepted = defineCase({
  id: 'framing/values-at-their-bounds-are-accepted',
  rules: ['FRM-04'],
  level: 'must',
  async run(t) {
    const user = t.user()
    const alice = await t.open(user, { deviceId: `${'.~@-_'.repeat(10)}${randomUUID().slice(0, 14)}` })
    const hello = await alice.requestHello({
      token: await t.token(user),
      id: 2 ** 32 - 1,
      caps: Array.from({ length: 64 }, (_, index) => `${'~ '.repeat(30)}${index}`),
      client: { name: '😀'.repeat(64), version: '\u0000' },
      traceparent: `cc-${'0a'.repeat(16)}-${'0b'.repeat(8)}-00`,
    })
    t.check(expectAnswer(hello, 'welcome'))
    const entries = Array.from({ length: 16 }, (_, index) => [
      `a${'_.-z'.repeat(15)}${index + 10}`,
      'é'.repeat(128),
    ])
    const send = { contentType: '~ '.repeat(64), clientTime: maxSafe, meta: Object.fromEntries(entries) }
    const sent = await alice.send(user, '', send)
    return expectAnswer(sent, 'sent')
  },
})

function wrong(frame: LooseFrame, ...names: string[]): Refusal {
  return { frame, error: 'BAD_REQUEST', names }
}

/** Fields of `send`, one wrong in each row. */
function wrongSends(bob: Session): Rows {
  const to = bob.user.id
  const missing: Rows = {
    'no content': wrong({ type: 'send', msgId: randomUUID(), to }, 'content'),
    'no msgId': {
      frame: { type: 'send', to, content: 'hi' },
      error: ['BAD_REQUEST', 'BAD_MSGID'],
      names: ['msgId'],
    },
  }
  const values: Record<string, unknown[]> = {
    content: [5, true, ['hi'], { text: 'hi' }],
    contentType: ['', 'x'.repeat(129), 'text/ü', 'text/\n', 5],
    clientTime: ['1', true, [1]],
    meta: [
      'x',
      [],
      { A: 'x' },
      { '': 'x' },
      { [`a${'b'.repeat(64)}`]: 'x' },
      { a: 1 },
      { a: 'é'.repeat(129) },
      manyEntries(),
    ],
    to: ['', 'a b', 'a:b', 'ü', 'x'.repeat(65), 5, [to]],
    conv: ['', 'bob', 'x:bob', 'g:', 'g:a b', `g:${'x'.repeat(65)}`, 'd:a', 'd:b:a', 'd:a:b:c', 'd::a', 5],
  }
  const rows = Object.entries(values).flatMap(([field, list]) =>
    list.map((value) => {
      const where = field === 'conv' ? {} : { to }
      const frame = { type: 'send', msgId: randomUUID(), ...where, content: 'hi', [field]: value }
      return [`send.${field} ${JSON.stringify(value).slice(0, 30)}`, wrong(frame, field)]
    }),
  )
  return { ...missing, ...Object.fromEntries(rows) }
}

/** In a list or a map, the inner field may be named instead. */
const innerNames = ['conv', 'seq', 'intervalMs']

/** Fields of the other requests, as far as the server knows them. */
function wrongRequests(t: CaseContext, bob: Session): Rows {
  const position = { conv: 'g:group', epoch: 'e', seq: 0 }
  const good: Record<string, LooseFrame> = {
    network: { network: 'wifi' },
    refresh: { token: 'x' },
    ack: position,
    join: { conv: 'g:group' },
    sync: { cursors: [position], limit: 1 },
    history: { conv: 'g:group', order: 'asc', limit: 1 },
  }
  const needs: Record<string, string> = { join: 'groups', sync: 'sync', history: 'history' }
  const values: Record<string, Record<string, unknown[]>> = {
    network: { network: [undefined, 'wlan', '', 5], heartbeat: [5, [], {}, { intervalMs: '1' }] },
    refresh: { token: [undefined, '', 5, 'ü', 'x'.repeat(8_193)] },
    ack: {
      conv: [undefined, '', 'bob', 5],
      epoch: [undefined, '', 'ü', 'x'.repeat(129), 5],
      seq: [undefined, '0', [0]],
    },
    join: { conv: [undefined, 'group', 'g:', 5], user: ['', 'a b', 5, [bob.user.id]] },
    sync: {
      cursors: [undefined, {}, 'x', [5], [{}], [{ ...position, seq: '0' }]],
      limit: [undefined, 0, '1'],
    },
    history: {
      conv: [undefined, 5],
      order: [undefined, 'up', 5],
      limit: [undefined, 0, '1'],
      cursor: ['', 'x'.repeat(513), 5],
    },
  }
  const rows = Object.entries(values)
    .filter(([type]) => needs[type] === undefined || t.caps.includes(needs[type]))
    .flatMap(([type, fields]) =>
      Object.entries(fields).flatMap(([field, list]) =>
        list.map((value) => {
          const frame = { ...good[type], type, [field]: value }
          return [
            `${type}.${field} ${JSON.stringify(value)?.slice(0, 30)}`,
            wrong(frame, field, ...innerNames),
          ]
        }),
      ),
    )
  return Object.fromEntries(rows)
}

function manyEntries(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`key${index}`, 'x']))
}
