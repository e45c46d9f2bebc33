// The two registries of codes: replies (three digits) and closes (four digits), and the client's rule for closes.
import type { Reconnect } from './messages.ts'

export interface ErrorEntry {
  code: number
  name: string
  /** True: the request certainly had no effect. False: it may have had one (outcome unknown). */
  definite: boolean
  retryable: boolean
  /** What happened, for a person. */
  meaning: string
}

export const errors = {
  INTERNAL: entry(100, 'INTERNAL', false, true, 'the server failed; the outcome is unknown'),
  BAD_REQUEST: entry(101, 'BAD_REQUEST', true, false, 'a field is missing, mistyped or out of range'),
  NOT_FOUND: entry(102, 'NOT_FOUND', true, false, 'no such user'),
  NOT_MEMBER: entry(103, 'NOT_MEMBER', true, false, 'no such conversation, or not yours'),
  TOO_MANY_REQUESTS: entry(104, 'TOO_MANY_REQUESTS', true, true, 'over a rate or a window'),
  CONTENT_TOO_LARGE: entry(105, 'CONTENT_TOO_LARGE', true, false, 'content is longer than maxContent'),
  MSGID_CONFLICT: entry(106, 'MSGID_CONFLICT', true, false, 'this msgId was used for another message'),
  BAD_MSGID: entry(107, 'BAD_MSGID', true, false, 'msgId is not a lower-case UUID version 4'),
  UNAVAILABLE: entry(108, 'UNAVAILABLE', true, true, 'the store is down; nothing was stored'),
  UNRECOVERABLE_POSITION: entry(109, 'UNRECOVERABLE_POSITION', true, false, 'no such position in this epoch'),
  CURSOR_INVALID: entry(110, 'CURSOR_INVALID', true, false, 'the cursor is not one of this query'),
  LIMIT_REACHED: entry(111, 'LIMIT_REACHED', true, false, 'a declared maximum is reached'),
  ALREADY_JOINED: entry(201, 'ALREADY_JOINED', true, false, 'already a member'),
  UNKNOWN_TYPE: entry(202, 'UNKNOWN_TYPE', true, false, 'no such frame type from a client'),
  CAPABILITY_REQUIRED: entry(
    203,
    'CAPABILITY_REQUIRED',
    true,
    false,
    'this needs a capability that is not in force',
  ),
} as const satisfies Record<string, ErrorEntry>

export type ErrorName = keyof typeof errors

export interface CloseEntry {
  code: number
  name: string
  reconnect: Reconnect
  meaning: string
}

export const closes = {
  SERVER_ERROR: close(4001, 'SERVER_ERROR', 'backoff', 'the server failed'),
  HEARTBEAT_TIMEOUT: close(4002, 'HEARTBEAT_TIMEOUT', 'now', 'nothing was heard for deadAfterMs'),
  SLOW_CONSUMER: close(
    4003,
    'SLOW_CONSUMER',
    'backoff',
    'this connection did not read or acknowledge in time',
  ),
  INSUFFICIENT_STATE: close(
    4004,
    'INSUFFICIENT_STATE',
    'now',
    'the server found a gap that it cannot fill now',
  ),
  TOKEN_EXPIRED: close(4005, 'TOKEN_EXPIRED', 'backoff', 'the token ran out: get a new one, then reconnect'),
  DRAINING: close(4006, 'DRAINING', 'backoff', 'this node takes no new sessions'),
  RATE_LIMITED: close(4007, 'RATE_LIMITED', 'backoff', 'too many connections or frames'),
  HELLO_TIMEOUT: close(4501, 'HELLO_TIMEOUT', 'never', 'no hello within helloTimeoutMs'),
  BAD_FRAME: close(4502, 'BAD_FRAME', 'never', 'bytes that are no frame'),
  TOO_LARGE: close(4503, 'TOO_LARGE', 'never', 'a frame longer than maxFrame'),
  UNAUTHORIZED: close(4504, 'UNAUTHORIZED', 'never', 'no valid token, or another subject'),
  FORBIDDEN: close(4505, 'FORBIDDEN', 'never', 'this user may not connect'),
  REVOKED: close(4506, 'REVOKED', 'never', 'the token was revoked'),
  SESSION_REPLACED: close(4507, 'SESSION_REPLACED', 'never', 'the same device connected again'),
  PROTOCOL_VERSION: close(4508, 'PROTOCOL_VERSION', 'never', 'no common protocol version'),
  TOO_MANY_ERRORS: close(4509, 'TOO_MANY_ERRORS', 'never', 'the client kept sending refused frames'),
  SERVICE_RESTART: close(1012, 'SERVICE_RESTART', 'backoff', 'the node stopped after a drain'),
  TRY_AGAIN_LATER: close(1013, 'TRY_AGAIN_LATER', 'backoff', 'admission control'),
} as const satisfies Record<string, CloseEntry>

export type CloseName = keyof typeof closes

/** Closes of RFC 6455 after which a client may try again (with backoff); every other code below 4000 ends it. */
const reconnectable = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014])

/** What a client does after a close whose `bye`, if any, did not say: the code's range decides. */
export function reconnectAfter(code: number): Reconnect {
  for (const known of Object.values(closes)) if (known.code === code) return known.reconnect
  if (code >= 4000) return code < 4500 ? 'backoff' : 'never'
  return reconnectable.has(code) ? 'backoff' : 'never'
}

function entry(
  code: number,
  name: string,
  definite: boolean,
  retryable: boolean,
  meaning: string,
): ErrorEntry {
  return { code, name, definite, retryable, meaning }
}

function close(code: number, name: string, reconnect: Reconnect, meaning: string): CloseEntry {
  return { code, name, reconnect, meaning }
}

/** Misuse by the programmer, or trouble in our own program; bad input from a peer is a value, never this. */
export class ChatspecError extends Error {
  override readonly name = 'ChatspecError'
  readonly code: string
  constructor(code: string, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.code = code
  }
}
