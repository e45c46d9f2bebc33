// Every check passes on what it allows and fails, in words, on everything else.
import { expect, test } from 'vitest'
import type { ErrorFrame } from '../protocol/index.ts'
import {
  expectBetween,
  expectClose,
  expectDense,
  expectEqual,
  expectError,
  expectIncreasing,
  expectNone,
  expectOneOf,
  expectRefused,
  expectSame,
  expectThat,
  turnedAway,
} from './expect.ts'
import { all, clause, type Checked } from './outcome.ts'
import type { Ended } from './ending.ts'

const refusal = {
  type: 'error',
  code: 101,
  name: 'BAD_REQUEST',
  message: 'to: a name',
  retryable: false,
} as const
const error = (more: Partial<ErrorFrame> = {}): ErrorFrame => ({ ...refusal, ...more })
const end = (more: Partial<Ended> = {}): Ended => ({
  how: 'closed',
  code: 4502,
  reason: '',
  wasReset: false,
  atMs: 1,
  bye: { type: 'bye', code: 4502, reason: '', reconnect: 'never' },
  ...more,
})

test.each<[string, Checked]>([
  ['equal values', expectEqual('x', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })],
  ['the same bytes', expectEqual('content', Buffer.from([1, 2]), Uint8Array.from([1, 2]))],
  ['one of several', expectOneOf('code', 4502, [1007, 4502])],
  ['a fact', expectThat('it holds', true)],
  ['a number at its bound', expectBetween('ms', 10, 0, 10)],
  ['no such frame', expectNone([{ type: 'msg', seq: 1 }], 'msg', ({ seq }) => seq === 2)],
  ['the same everywhere', expectSame('seq', { alice: 4, bob: 4 })],
  ['increasing numbers', expectIncreasing('seqs', [1, 5, 6])],
  ['dense numbers', expectDense('seqs', [4, 5, 6], 4)],
  ['an error of the table', expectError(error(), 'BAD_REQUEST', 'to')],
  ['one of two errors', expectError(error(), ['NOT_FOUND', 'BAD_REQUEST'])],
  ['a close with its bye', expectClose(end(), 'BAD_FRAME')],
  [
    'a close by the WebSocket layer',
    expectClose({ ...end({ code: 1007 }), bye: undefined } as never, ['BAD_FRAME', 1007]),
  ],
  ['a status', expectRefused({ kind: 'refused', status: 400, headers: new Headers(), body: '' }, 400)],
])('%s pass', (_what, checked) => {
  expect(checked.verdict).toBe('pass')
})

test.each<[string, Checked, string]>([
  ['a value', expectEqual('seq', 5, 4), 'seq: 5'],
  ['a kind of content', expectEqual('content', 'AQI=', Uint8Array.from([1, 2])), 'content: "AQI="'],
  ['bytes', expectEqual('content', Uint8Array.from([1]), Uint8Array.from([2])), 'content: 1 bytes'],
  [
    'a place far into a value',
    expectEqual('seqs', Array(40).fill(7), [...Array(39).fill(7), 8]),
    'seqs[39]: 7 instead of 8',
  ],
  [
    'a missing field',
    expectEqual('m', { a: 'x'.repeat(70) }, { a: 'x'.repeat(70), b: 1 }),
    'm.b: nothing instead of 1',
  ],
  ['a fact', expectThat('it holds', false, 'it did not'), 'it did not'],
  ['a number', expectBetween('ms', 10.26, 0, 10), 'ms: 10.3'],
  ['a frame too many', expectNone([{ type: 'msg', seq: 2 }], 'msg'), '1: msg seq=2'],
  ['two views', expectSame('seq', { alice: 4, bob: 5 }), 'alice: 4; bob: 5'],
  ['a repeat', expectIncreasing('seqs', [1, 5, 5]), 'seqs: 5, then 5 (position 3)'],
  ['a hole', expectDense('seqs', [1, 3]), 'seqs: 3 instead of 2 (position 2)'],
  [
    'another error',
    expectError(error(), 'NOT_FOUND'),
    'error code=101 name="BAD_REQUEST" message="to: a name" retryable=false',
  ],
  [
    'an error that does not name the field',
    expectError(error(), 'BAD_REQUEST', 'conv'),
    'message="to: a name"',
  ],
  ['no error', expectError({ type: 'live' }, 'BAD_REQUEST'), 'live'],
  ['another close', expectClose(end(), 'TOO_LARGE'), 'bye 4502, closed 4502'],
  ['no close', expectClose(undefined, 'TOO_LARGE'), 'the connection stayed open'],
  ['a reset', expectClose(end({ how: 'reset', code: 1006 }), 'BAD_FRAME'), 'reset (RST)'],
  [
    'another status',
    expectRefused({ kind: 'refused', status: 200, headers: new Headers(), body: '' }, 400),
    'HTTP 200',
  ],
])('%s fails, in words', (_what, checked, actual) => {
  expect(checked.verdict).toBe('fail')
  expect(checked.actual).toContain(actual)
})

test('an error with a wrong name or retryable breaks the rule of the table', () => {
  expect(expectError(error({ retryable: true }), 'BAD_REQUEST')).toMatchObject({
    verdict: 'fail',
    rule: 'ERR-01',
  })
  expect(expectError(error({ name: 'BAD' }), 'BAD_REQUEST')).toMatchObject({
    verdict: 'fail',
    rule: 'ERR-01',
  })
})

test('a close without its bye breaks the rule of bye', () => {
  const { bye: _bye, ...without } = end()
  expect(expectClose(without, 'BAD_FRAME')).toMatchObject({ verdict: 'fail', rule: 'ERR-09' })
  expect(expectClose({ ...end(), code: 4503 }, 'TOO_LARGE')).toMatchObject({
    verdict: 'fail',
    rule: 'ERR-09',
  })
})

test('a failing look outweighs those that pass, and no look proves nothing', () => {
  const [good, bad] = [expectThat('a', true), expectThat('b', false)]
  expect(all(good, bad, good)).toBe(bad)
  expect(all(good)).toBe(good)
  expect(() => all()).toThrow('all() of no checks')
  expect(clause('ORD-03', good)).toEqual({ ...good, rule: 'ORD-03' })
})

test('how a server turned somebody away has a word of its own', () => {
  const failed = (at: 'connect' | 'answer', code: string) =>
    turnedAway({ kind: 'failed', at, code, detail: 'why' })
  expect(failed('connect', 'ECONNREFUSED')).toMatchObject({ verdict: 'fail', fault: 'gone', rule: 'AUTH-12' })
  expect(failed('answer', 'TIMEOUT')).toMatchObject({ fault: 'silent' })
  expect(failed('answer', 'ECONNRESET')).toMatchObject({ fault: 'reset' })
  const refused = (status: number) =>
    turnedAway({ kind: 'refused', status, headers: new Headers(), body: '' })
  expect(refused(426)).toMatchObject({ verdict: 'fail', actual: 'HTTP 426' })
  expect(refused(503)).toMatchObject({ verdict: 'unknown' })
})
