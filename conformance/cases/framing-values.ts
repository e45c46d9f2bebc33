// Framing and codec, values that are no values: SPEC.md#every-message, SPEC.md#the-order-of-the-checks.
import { randomUUID } from 'node:crypto'
import { maxSafe } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import { expectEqual, expectError } from '../expect.ts'
import { encodeLoose, type LooseFrame } from '../loose.ts'
import { all } from '../outcome.ts'
import { expectEachRefused, labelled, ownFault, type Refusal, writeMessage } from '../provoke.ts'

type Rows = Record<string, Refusal>

/** Where encodings change their width, and where doubles end. */
const edges = [
  0,
  1,
  23,
  24,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 2,
  maxSafe,
]

// [FRM-18] A `msgId` that is a string but no UUID of version 4 in lower case: error 107.
export const wrongMsgIdHasItsOwnError = defineCase({
  id: 'framing/wrong-msg-id-has-its-own-error',
  rules: ['FRM-18'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const good = '3f0b6c1e-8a54-4d0e-9b7a-2f1c5d6e7f80'
    const wrong = [
      '',
      'message-1',
      good.toUpperCase(),
      good.replace('-4d', '-1d'),
      good.replace('-9b', '-7b'),
      good.replaceAll('-', ''),
      `{${good}}`,
      `${good}\n`,
      good.slice(1),
      '00000000-0000-0000-0000-000000000000',
    ]
    const rows = wrong.map((msgId) => {
      const frame = { type: 'send', msgId, to: alice.user.id, content: 'hi' }
      return [JSON.stringify(msgId), { frame, error: 'BAD_MSGID' as const }]
    })
    return expectEachRefused(t, alice, Object.fromEntries(rows))
  },
})

// [FRM-19] `null` MUST NOT be taken for a value of a known field, nor for its absence.
export const nullIsNoValue = defineCase({
  id: 'framing/null-is-no-value',
  rules: ['FRM-19'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const send = { type: 'send', to: alice.user.id, content: 'hi' }
    const network = { type: 'network', network: 'wifi' }
    const rows: Rows = {
      'send.msgId': {
        frame: { ...send, msgId: null },
        error: ['BAD_REQUEST', 'BAD_MSGID'],
        names: ['msgId'],
      },
      'network.network': wrong({ ...network, network: null }, 'network'),
      'network.heartbeat': wrong({ ...network, heartbeat: null }, 'heartbeat'),
      'heartbeat.timeoutMs': wrong(
        { ...network, heartbeat: { intervalMs: 30_000, timeoutMs: null } },
        'timeoutMs',
        'heartbeat',
      ),
      'ack.epoch': wrong({ type: 'ack', conv: 'g:group', epoch: null, seq: 0 }, 'epoch'),
      'ack.seq': wrong({ type: 'ack', conv: 'g:group', epoch: 'e', seq: null }, 'seq'),
    }
    for (const field of ['to', 'conv', 'content', 'contentType', 'clientTime', 'meta'])
      rows[`send.${field}`] = wrong({ ...send, msgId: randomUUID(), [field]: null }, field)
    return expectEachRefused(t, alice, rows)
  },
})

// [FRM-11] Integers from 0 to 2^53 − 1 MUST survive both encodings unchanged.
export const integersSurvive = defineCase({
  id: 'framing/integers-survive',
  rules: ['FRM-11'],
  level: 'must',
  async run(t) {
    const [alice, bob] = await t.pair()
    const checks = []
    for (const clientTime of [...edges, t.random.integer(2 ** 33, 2 ** 52)]) {
      const msg = await bob.delivery(await alice.dm(bob, 'hi', { clientTime }))
      const { n } = await ownFault(alice.ping(clientTime))
      checks.push(expectEqual('clientTime', msg.clientTime, clientTime), expectEqual('n', n, clientTime))
    }
    return all(...checks)
  },
})

// [FRM-11] A number that is larger, negative or fractional MUST be refused where an integer belongs, never rounded.
export const numbersThatAreNoIntegersAreRefused = defineCase({
  id: 'framing/numbers-that-are-no-integers-are-refused',
  rules: ['FRM-11'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    // [VAR-26] 2^53 + 1 may be read as 2^53, which is too large as well.
    const large = [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]
    const checks = []
    for (const clientTime of [-1, -(2 ** 31), 0.5, 1.5, -0.5, 2 ** 51 + 0.5, ...large]) {
      const id = alice.nextId()
      const frame = { type: 'send', id, msgId: randomUUID(), to: alice.user.id, content: 'hi', clientTime }
      writeMessage(alice, encodeLoose(t.encoding, frame))
      const error = await alice.next('error', { id })
      checks.push(labelled(`clientTime ${clientTime}`, expectError(error, 'BAD_REQUEST', 'clientTime')))
    }
    writeMessage(alice, encodeLoose(t.encoding, { type: 'ping', n: 2n ** 53n }))
    return all(...checks, labelled('n 2^53', expectError(await alice.next('error'), 'BAD_REQUEST', 'n')))
  },
})

// [FRM-30] A frame that fails at several steps is answered as the first of them says.
export const firstFailedStepDecides = defineCase({
  id: 'framing/first-failed-step-decides',
  rules: ['FRM-30'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const send = { type: 'send', msgId: randomUUID(), to: 'nobody-has-this-name', content: 'hi' }
    const foreign = 'd:nobody-1:nobody-2'
    const tooLong = 'x'.repeat(t.limits.maxContent + 1)
    const rows: Rows = {
      'unknown type before its fields': { frame: { type: 'shout', conv: null }, error: 'UNKNOWN_TYPE' },
      'the type of a server before its fields': { frame: { type: 'msg', seq: -1 }, error: 'UNKNOWN_TYPE' },
      'a field before an unknown user': wrong({ ...send, contentType: '' }, 'contentType'),
      'msgId before an unknown user': { frame: { ...send, msgId: 'x' }, error: 'BAD_MSGID' },
      'content before an unknown user': { frame: { ...send, content: tooLong }, error: 'CONTENT_TOO_LARGE' },
      'a field before a foreign conversation': wrong(
        { type: 'ack', conv: foreign, epoch: '', seq: 0 },
        'epoch',
      ),
    }
    return expectEachRefused(t, alice, rows)
  },
})

function wrong(frame: LooseFrame, ...names: string[]): Refusal {
  return { frame, error: 'BAD_REQUEST', names }
}
