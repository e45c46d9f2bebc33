// The first contact: the server says what it promises, or one sentence says why there is nothing to judge.
import {
  ChatspecError,
  type Encoding,
  type Heartbeat,
  type Limits,
  subprotocols,
  type Welcome,
} from '../protocol/index.ts'
import { within } from './deadline.ts'
import { describeEnd } from './ending.ts'
import { Session } from './session.ts'
import { redactTokens, summarize, Trace } from './trace.ts'
import type { Target } from './target.ts'
import { type Upgrade, upgrade } from './upgrade.ts'
import type { WireMessage } from './wire.ts'

/** What the server said of itself before the first case. */
export interface Contact {
  capabilities: readonly string[]
  limits: Limits
  heartbeat: Heartbeat
  /** All that it speaks, also those that nobody wants judged. */
  encodings: readonly Encoding[]
}

/** Of resolving and connecting, and of the answer to the upgrade. */
const stepMs = 4_000
/** Of everything until `welcome`, for one encoding: a user who mistyped the URL does not wait longer. */
const totalMs = 13_000
/** What remains of that for the answer to `hello`: SPEC.md allows 10 s. */
const helloMs = 10_500
/** After a frame of a type that we do not know, for one that we do. */
const unknownTypeMs = 1_000
/** After a refusal, for the close that may follow. */
const closeMs = 1_000
/** What a server only declares to those who ask for it. */
const optionalCaps = ['presence', 'receipts']

/**
 * Connects once in each encoding and reads what `welcome` announces.
 * @throws ChatspecError with one clear sentence if this is no chatspec server that lets us in
 */
export async function preflight(
  target: Target,
  encodings: readonly Encoding[],
  user: string,
): Promise<Contact> {
  const spoken: Encoding[] = []
  let welcome: Welcome | undefined
  for (const encoding of encodings) {
    const greeting = await within(greet(target, encoding, user), totalMs)
    if (!greeting)
      throw error('NO_ANSWER', `${target.url.host} took more than ${totalMs / 1000} s to let us in.`)
    if (greeting === 'unsupported') continue
    spoken.push(encoding)
    welcome ??= greeting
  }
  if (!welcome) {
    const names = encodings.map((encoding) => subprotocols[encoding]).join(' nor ')
    throw new ChatspecError(
      'NOT_CHATSPEC',
      `${target.url.host} answers HTTP 400: it speaks neither ${names}.`,
    )
  }
  for (const encoding of Object.keys(subprotocols) as Encoding[])
    if (!encodings.includes(encoding) && (await isOffered(target, encoding))) spoken.push(encoding)
  const { caps, limits, heartbeat } = welcome
  return { capabilities: target.capabilities ?? caps, limits, heartbeat, encodings: spoken }
}

function dial(target: Target, encoding: Encoding, trace: Trace): Promise<Upgrade> {
  return upgrade({
    url: target.url,
    insecure: target.insecure,
    timeoutMs: stepMs,
    trace,
    label: 'preflight',
    subprotocols: [subprotocols[encoding]],
    ...(target.origin && { headers: { Origin: target.origin } }),
  })
}

/** Of an encoding that is not to be judged: trouble with it is nobody's business. */
async function isOffered(target: Target, encoding: Encoding): Promise<boolean> {
  const answer = await dial(target, encoding, new Trace())
  if (answer.kind !== 'open') return false
  await answer.wire.dispose()
  return answer.wire.protocol === subprotocols[encoding]
}

async function greet(target: Target, encoding: Encoding, user: string): Promise<Welcome | 'unsupported'> {
  const trace = new Trace()
  const opened = await dial(target, encoding, trace)
  if (opened.kind === 'refused' && opened.status === 400 && opened.body.includes('supported'))
    return 'unsupported'
  if (opened.kind !== 'open') throw noUpgrade(target, opened)
  const { wire } = opened
  const session = new Session({
    wire,
    encoding,
    trace,
    timeoutMs: stepMs,
    user: { id: user, name: 'preflight' },
    deviceId: 'chatspec-preflight',
  })
  try {
    return await sayHello(target, session)
  } finally {
    await wire.dispose()
  }
}

async function sayHello(target: Target, session: Session): Promise<Welcome> {
  const token = await target.tokens.issue(session.user.id)
  const strange = strangeMessage(session)
  session.write({ type: 'hello', id: 1, token, deviceId: session.deviceId, caps: optionalCaps })
  const answer = session.anyOf(['welcome', 'error', 'bye'], helloMs)
  const first = await Promise.race([answer, strange])
  if (first && 'type' in first && first.type === 'welcome') return first
  throw await noWelcome(target, session, first && 'payload' in first ? first : undefined)
}

/** The first message that is no frame of a chatspec server; one of unknown type only if nothing better follows it. */
function strangeMessage(session: Session): Promise<WireMessage> {
  const { wire } = session
  const inner = wire.onMessage
  return new Promise((resolve) => {
    wire.onMessage = (message) => {
      inner(message)
      if (isHello(message.payload) || session.malformed.length > 0) resolve(message)
      else if (session.received.length === 0) setTimeout(() => resolve(message), unknownTypeMs)
    }
  })
}

async function noWelcome(target: Target, session: Session, strange?: WireMessage): Promise<ChatspecError> {
  const { host } = target.url
  const who = session.user.id
  const refusal = session.received.find((frame) => frame.type === 'error' || frame.type === 'bye')
  const end = refusal ? await session.ended(closeMs) : session.wire.end
  const ending = end ? `, ${describeEnd(end)}` : ''
  if (refusal || (end && end.code >= 4500))
    return error(
      'TOKEN_REFUSED',
      `${host} refuses the token of user ${who}: ${refusal ? summarize(refusal) : 'no bye'}${ending}.`,
    )
  const first = strange?.payload
  if (first && isHello(first))
    return error(
      'NOT_CHATSPEC',
      `${host} is a WebSocket server that echoes what it gets: it does not speak chatspec/1.`,
    )
  if (session.wire.violation)
    return error('NOT_WEBSOCKET', `${host} breaks RFC 6455: ${session.wire.violation}.`)
  if (first)
    return error(
      'NOT_CHATSPEC',
      `${host} answers "hello" with something that is not chatspec/1: ${quote(first)}.`,
    )
  if (end)
    return error('CLOSED', `${host} accepts the WebSocket, then ends it without a word: ${describeEnd(end)}.`)
  return error(
    'NOT_CHATSPEC',
    `${host} accepts the WebSocket but does not answer "hello" within ${helloMs / 1000} s.`,
  )
}

function noUpgrade({ url }: Target, answer: Exclude<Upgrade, { kind: 'open' }>): ChatspecError {
  const { host, pathname } = url
  if (answer.kind === 'failed')
    return answer.at === 'answer' ? noHttp(host, answer) : noConnection(host, answer)
  const { status } = answer
  if (status === 404) return error('WRONG_PATH', `${host} has nothing at the path ${pathname} (HTTP 404).`)
  const hint = { 401: 'it wants credentials', 403: 'is our Origin allowed?', 426: 'is this the right path?' }[
    status
  ]
  const what = hint ?? (status < 300 ? 'an HTTP server, but no WebSocket endpoint' : 'no WebSocket endpoint')
  return error('NOT_WEBSOCKET', `${host} answers the upgrade at ${pathname} with HTTP ${status}: ${what}.`)
}

type Failed = Extract<Upgrade, { kind: 'failed' }>

function noHttp(host: string, { code, detail }: Failed): ChatspecError {
  if (code === 'TIMEOUT')
    return error('NO_ANSWER', `${host} accepts connections but says nothing: ${detail}.`)
  if (code !== 'NOT_HTTP')
    return error('CLOSED', `${host} ends the connection instead of answering the upgrade: ${detail}.`)
  const hint = /\\u0015\\u0003/.test(detail) ? '; that is TLS, so try wss://' : ''
  return error('NOT_WEBSOCKET', `${host} does not speak HTTP: ${detail}${hint}.`)
}

function noConnection(host: string, { at, code, detail }: Failed): ChatspecError {
  if (at === 'resolve') return error('HOST_UNKNOWN', `The name of ${host} cannot be resolved (${code}).`)
  if (at === 'connect' && code === 'ECONNREFUSED')
    return error('REFUSED', `Nothing listens at ${host} (${code}).`)
  if (at === 'connect') return error('NO_ANSWER', `${host} cannot be reached: ${detail} (${code}).`)
  if (isTrustProblem(code))
    return error(
      'TLS_UNTRUSTED',
      `The TLS certificate of ${host} is not trusted: ${detail} (${code}); --insecure accepts it.`,
    )
  return error(
    'TLS_FAILED',
    `${host} does not answer as a TLS server: ${detail} (${code}); without TLS it is ws://.`,
  )
}

function isTrustProblem(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code)
}

/** Whatever frame of an echo: our own `hello`, in text or behind the binary header. */
function isHello(payload: Buffer): boolean {
  return payload.includes('chatspec-preflight')
}

function quote(payload: Buffer): string {
  return JSON.stringify(redactTokens(payload.toString()).slice(0, 60))
}

function error(code: string, sentence: string): ChatspecError {
  return new ChatspecError(code, sentence)
}
