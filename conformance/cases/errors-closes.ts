// How connections end: SPEC.md#errors-and-close-codes.
import { closes } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { describeEnd, type Ended } from '../ending.ts'
import { expectClose, expectEqual, expectOneOf, expectThat } from '../expect.ts'
import { encodeLoose } from '../loose.ts'
import { all, type Checked, clause } from '../outcome.ts'
import { eachOf, labelled } from '../provoke.ts'
import type { Session } from '../session.ts'
import { flippedToken } from '../tokens.ts'
import { closePayload, encodeFrame, type OutFrame, opcodes } from '../ws-frames.ts'

// [ERR-02] A close uses a code of the table, or one below 4000 as RFC 6455 means it.
// [ERR-09] Before it comes a `bye` with the same code that says what to do.
export const everyCloseSaysWhy = defineCase({
  id: 'errors/every-close-says-why',
  rules: ['ERR-02', 'ERR-09'],
  level: 'must',
  async run(t) {
    const codes = Object.values(closes).map(({ code }): number => code)
    const ends = await eachOf(Object.entries(provocations), async ([what, provoke]) => {
      const session = await t.connect()
      session.breaksRules = true
      await provoke(t, session)
      return { what, end: await session.ended() }
    })
    const known = ends.map(({ what, end }) =>
      labelled(what, expectOneOf('code of the close', end?.code, codes)),
    )
    const said = ends.map(({ what, end }) =>
      labelled(what, expectEqual('code of the bye', end?.bye?.code, end?.code)),
    )
    return [clause('ERR-02', all(...known)), clause('ERR-09', all(...said))]
  },
})

// [ERR-03] The peer can read the `bye` and the close frame, also when input from it is still unread.
export const lastWordsArriveBehindUnreadInput = defineCase({
  id: 'errors/last-words-arrive-behind-unread-input',
  rules: ['ERR-03'],
  level: 'must',
  async run(t) {
    const { kind, payload } = encodeLoose(t.encoding, { type: 'ping', n: 1, pad: 'x'.repeat(1_000) })
    const more = Array.from({ length: 300 }, () => encodeFrame({ opcode: opcodes[kind], payload }))
    const input = Buffer.concat([encodeFrame(badMessage(t)), ...more])
    const ends: (Ended | undefined)[] = []
    // A reset (RST) overtakes what a peer has not read yet. One may come from a timer, one each time is a habit.
    do {
      const alice = await t.connect()
      alice.wire.writeRaw(input)
      ends.push(await alice.ended())
    } while (ends.at(-1)?.wasReset && ends.length < 3)
    const seen = ends.map((end) => end && `${describeEnd(end)}${end.wasReset ? ', then reset' : ''}`)
    return all(
      ...ends.map((end) => expectClose(end, 'BAD_FRAME')),
      expectThat('no reset behind the close frame, at least once in 3', !ends.at(-1)?.wasReset, seen),
    )
  },
})

// [ERR-04] The server completes the closing handshake for every close frame of a client, whether its code is valid or not.
export const closingHandshakeIsCompleted = defineCase({
  id: 'errors/closing-handshake-is-completed',
  rules: ['ERR-04'],
  level: 'must',
  encodings: ['json'],
  async run(t) {
    const user = t.user()
    const codes = [1000, 1001, 1003, 1008, 1011, 3000, 3999, 4000, 4507, 4999]
    const invalid = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]
    const payloads: [string, Buffer][] = [...codes, ...invalid].map((code) => [
      `code ${code}`,
      closePayload(code),
    ])
    const others: [string, Buffer][] = [
      ['no code', Buffer.alloc(0)],
      ['a reason', closePayload(1000, 'ü'.repeat(61))],
    ]
    const checks = await eachOf([...payloads, ...others], async ([what, payload]) => {
      const session = await t.open(user)
      session.wire.writeFrame({ opcode: opcodes.close, payload })
      return labelled(what, expectEqual('the close frame came', (await session.ended())?.how, 'closed'))
    })
    return all(...checks)
  },
})

// [ERR-13] After `bye` the server MUST NOT send anything but the close frame.
export const nothingFollowsBye = defineCase({
  id: 'errors/nothing-follows-bye',
  rules: ['ERR-13'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const checks: Checked[] = []
    const count = Math.min(40, t.limits.sendWindow)
    for (let round = 0; round < 5; round++) {
      const bob = await t.connect()
      const stream = Array.from({ length: count }, (_, index) => {
        if (index === count >> 1) bob.wire.writeFrame(badMessage(t))
        return alice.send(bob)
      })
      await Promise.all(stream)
      const end = await bob.ended()
      const at = bob.received.findIndex(({ type }) => type === 'bye')
      const after = bob.received.slice(at < 0 ? bob.received.length : at + 1).map(({ type }) => type)
      checks.push(expectClose(end, 'BAD_FRAME'), expectEqual('frames after bye', after, []))
    }
    return all(...checks)
  },
})

// [ERR-07] No text shows a stack trace, a query, a path of the file system, a token or memory content.
export const textsRevealNothing = defineCase({
  id: 'errors/texts-reveal-nothing',
  rules: ['ERR-07'],
  level: 'should',
  async run(t) {
    const token = await t.token(t.user())
    const texts = [
      ...(await textsOfErrors(t)),
      ...(await textsOfCloses(t)),
      ...(await textsOfPages(t, token)),
    ]
    const leaks = texts.filter(
      (text) => text.includes(token) || revealing.some((pattern) => pattern.test(text)),
    )
    return expectEqual(`of ${texts.length} texts, those that reveal internals`, leaks, [])
  },
})

async function textsOfErrors(t: CaseContext): Promise<string[]> {
  const alice = await t.connect()
  const frames = [{ type: 'shout' }, { type: 'send', content: 5 }, { type: 'join', conv: '/etc/passwd' }]
  const replies = await Promise.all(frames.map((frame) => alice.request(frame)))
  return replies.map((reply) => JSON.stringify(reply))
}

async function textsOfCloses(t: CaseContext): Promise<string[]> {
  const stranger = await t.open()
  stranger.sayHello({ token: flippedToken(await t.token(stranger.user), 'signature') })
  const refused = await stranger.ended()
  const others = await eachOf(Object.values(provocations), async (provoke) => {
    const session = await t.connect()
    session.breaksRules = true
    await provoke(t, session)
    const end = await session.ended()
    return JSON.stringify([end?.bye, end?.reason])
  })
  return [JSON.stringify([refused?.bye, refused?.reason]), ...others]
}

async function textsOfPages(t: CaseContext, token: string): Promise<string[]> {
  const headers = { Authorization: `Bearer ${token}` }
  const paths = ['/no/such/path', '/api/history?conv=%00&limit=x', '/%2e%2e/%2e%2e/etc/passwd']
  const pages = await Promise.all(paths.map((path) => t.http(path, { headers })))
  return pages.map(({ body }) => body)
}

const revealing = [
  /\bat \S+ \(?\S+:\d+/,
  /\.(?:[cm]?[jt]s|py|go|rs|rb|java|php|exs?|erl):\d+/,
  /(?:^|[\s"'(=])\/(?:home|usr|var|root|opt|srv|tmp|app)\//,
  /Traceback|goroutine \d|panicked at|node_modules|Segmentation/,
  /\b(?:SELECT\b.+\bFROM|INSERT INTO|UPDATE\b.+\bSET|DELETE FROM)\b/i,
  /eyJ[\w-]{8,}\./,
  /\b0x[0-9a-f]{8,}/i,
]

/** Ways to make a server close a live session, each for another reason. */
const provocations: Record<string, (t: CaseContext, session: Session) => unknown> = {
  'a malformed frame': (t, { wire }) => wire.writeFrame(badMessage(t)),
  'a frame that is too large': (t, session) => session.writeText('x'.repeat(t.limits.maxFrame + 1)),
  'another subject': async (t, session) => session.sayHello({ token: await t.token(t.user()) }),
  'a forged refresh': async (t, session) => {
    const token = flippedToken(await t.token(session.user), 'signature')
    session.write({ type: 'refresh', id: 1, token })
  },
  'the same device again': (t, session) => t.reconnect(session),
}

/** A message of the right kind that is no frame. */
function badMessage(t: CaseContext): OutFrame {
  return { opcode: t.encoding === 'json' ? opcodes.text : opcodes.binary, payload: Buffer.from('null') }
}
