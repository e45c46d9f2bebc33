// The frames of every message in JSON, hand-shaped. What is not as expected is left to the general way.
// HOT PATH, guarded by bench/codec.bench.ts
import { isEpoch, isMsgId, isName } from './names.ts'
import { maxRequestId } from './limits.ts'
import type { Ack, AnyMessage, Msg, Send, Sent } from './messages.ts'
import { knownConversations } from './text-cache.ts'
import { isWellFormed, plainUtf8 } from './utf8.ts'
import type { Body, Side } from './validate.ts'

/**
 * The message that `side` wrote, or undefined, which does not mean that it is wrong.
 *
 * A text exactly as long as the shortest spelling of its message can hide nothing: no key twice, no unknown
 * field, no rounded number, no nesting. So the length is all that has to be compared; the order of keys is free.
 */
export function readHot(
  side: Side,
  body: Body,
  textLength: number,
  maxContent: number,
): AnyMessage | undefined {
  switch (body.type) {
    case 'send':
      return side === 'client' ? readSend(body, textLength, maxContent) : undefined
    case 'ack':
      return side === 'client' ? readAck(body, textLength) : undefined
    case 'msg':
      return side === 'server' ? readMsg(body, textLength, maxContent) : undefined
    case 'sent':
      return side === 'server' ? readSent(body, textLength) : undefined
    case 'ping':
    case 'pong': {
      const { type, n } = body
      return isUint(n) && textLength === pingLength + digits(n) ? { type, n } : undefined
    }
    default:
      return undefined
  }
}

const pingLength = '{"type":"ping","n":}'.length
const msgLength = '{"type":"msg","conv":"","epoch":"","seq":,"msgId":"","from":"","content":"","timestamp":}'
  .length
const replayLength = ',"replay":'.length
const sendLength = '{"type":"send","id":,"msgId":"","content":""}'.length
const toLength = ',"to":""'.length
const convLength = ',"conv":""'.length
const sentLength = '{"type":"sent","id":,"msgId":"","conv":"","epoch":"","seq":,"timestamp":,"duplicate":}'
  .length
const ackLength = '{"type":"ack","conv":"","epoch":"","seq":}'.length
const idLength = ',"id":'.length
const clientTimeLength = ',"clientTime":'.length

function readMsg(body: Body, textLength: number, maxContent: number): Msg | undefined {
  const { conv, epoch, seq, msgId, from, content, timestamp, replay, clientTime } = body
  if (!isConv(conv) || !isEpochText(epoch) || !isUint(seq) || !isId(msgId) || !isUser(from)) return undefined
  if (!isContent(content, maxContent) || !isUint(timestamp)) return undefined
  let length = msgLength + conv.length + epoch.length + digits(seq) + msgId.length + from.length
  length += content.length + digits(timestamp)
  const message: Msg = { type: 'msg', conv, epoch, seq, msgId, from, content, timestamp }
  if (clientTime !== undefined) {
    if (!isUint(clientTime)) return undefined
    length += clientTimeLength + digits(clientTime)
    message.clientTime = clientTime
  }
  if (replay !== undefined) {
    if (typeof replay !== 'boolean') return undefined
    length += replayLength + (replay ? 'true' : 'false').length
    message.replay = replay
  }
  return length === textLength ? message : undefined
}

function readSend(body: Body, textLength: number, maxContent: number): Send | undefined {
  const { id, msgId, to, conv, content, clientTime } = body
  if (!isRequestId(id) || !isId(msgId) || !isContent(content, maxContent)) return undefined
  let length = sendLength + digits(id) + msgId.length + content.length
  let message: Send
  if (isUser(to) && conv === undefined) {
    length += toLength + to.length
    message = { type: 'send', id, msgId, to, content }
  } else if (isConv(conv) && to === undefined) {
    length += convLength + conv.length
    message = { type: 'send', id, msgId, conv, content }
  } else return undefined
  if (clientTime !== undefined) {
    if (!isUint(clientTime)) return undefined
    length += clientTimeLength + digits(clientTime)
    message.clientTime = clientTime
  }
  return length === textLength ? message : undefined
}

function readSent(body: Body, textLength: number): Sent | undefined {
  const { id, msgId, conv, epoch, seq, timestamp, duplicate } = body
  if (!isRequestId(id) || !isId(msgId) || !isConv(conv) || !isEpochText(epoch)) return undefined
  if (!isUint(seq) || !isUint(timestamp) || typeof duplicate !== 'boolean') return undefined
  let length = sentLength + digits(id) + msgId.length + conv.length + epoch.length
  length += digits(seq) + digits(timestamp) + (duplicate ? 'true' : 'false').length
  if (length !== textLength) return undefined
  return { type: 'sent', id, msgId, conv, epoch, seq, timestamp, duplicate }
}

function readAck(body: Body, textLength: number): Ack | undefined {
  const { id, conv, epoch, seq } = body
  if (!isConv(conv) || !isEpochText(epoch) || !isUint(seq)) return undefined
  const length = ackLength + conv.length + epoch.length + digits(seq)
  if (id === undefined) return length === textLength ? { type: 'ack', conv, epoch, seq } : undefined
  if (!isRequestId(id) || length + idLength + digits(id) !== textLength) return undefined
  return { type: 'ack', id, conv, epoch, seq }
}

/** Characters of the shortest spelling, or NaN where an exponent might be shorter (1000 is 1e3). */
function digits(value: number): number {
  if (value < 10) return 1
  if (value >= 1000 && Math.floor(value / 1000) * 1000 === value) return Number.NaN
  let count = 1
  for (let bound = 10; value >= bound; bound *= 10) count++
  return count
}

function isUint(value: unknown): value is number {
  // Not -0, which is one character longer than 0.
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)
}

function isRequestId(value: unknown): value is number {
  return isUint(value) && value >= 1 && value <= maxRequestId
}

function isConv(value: unknown): value is string {
  return typeof value === 'string' && knownConversations.fromText(value) !== undefined
}

function isUser(value: unknown): value is string {
  return typeof value === 'string' && isName(value)
}

function isEpochText(value: unknown): value is string {
  return typeof value === 'string' && isEpoch(value)
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isMsgId(value)
}

function isContent(value: unknown, maxBytes: number): value is string {
  if (typeof value !== 'string' || !isWellFormed(value)) return false
  return 3 * value.length <= maxBytes || plainUtf8.byteLength(value) <= maxBytes
}

// ---- writing ----

/** The text of a hot frame; undefined if it is none. */
export function writeHot(message: AnyMessage): string | undefined {
  switch (message.type) {
    case 'msg':
      return writeMsg(message)
    case 'send':
      return writeSend(message)
    case 'sent': {
      const { id, msgId, conv, epoch, seq, timestamp, duplicate } = message
      const head = `{"type":"sent","id":${id},"msgId":${quote(msgId)},"conv":${quote(conv)},"epoch":${quote(epoch)}`
      return `${head},"seq":${seq},"timestamp":${timestamp},"duplicate":${duplicate}}`
    }
    case 'ack': {
      const { id, conv, epoch, seq } = message
      const head = id === undefined ? '{"type":"ack"' : `{"type":"ack","id":${id}`
      return `${head},"conv":${quote(conv)},"epoch":${quote(epoch)},"seq":${seq}}`
    }
    case 'ping':
      return `{"type":"ping","n":${message.n}}`
    case 'pong':
      return `{"type":"pong","n":${message.n}}`
    case 'live':
      return message.id === undefined ? '{"type":"live"}' : `{"type":"live","id":${message.id}}`
    default:
      return undefined
  }
}

function writeMsg(message: Msg): string | undefined {
  const { conv, epoch, seq, msgId, from, content, timestamp, clientTime, replay } = message
  if (typeof content !== 'string' || message.meta !== undefined || message.contentType !== undefined)
    return undefined
  let text = `{"type":"msg","conv":${quote(conv)},"epoch":${quote(epoch)},"seq":${seq},"msgId":${quote(msgId)}`
  text += `,"from":${quote(from)},"content":${quote(content)},"timestamp":${timestamp}`
  if (clientTime !== undefined) text += `,"clientTime":${clientTime}`
  if (replay !== undefined) text += `,"replay":${replay}`
  return `${text}}`
}

function writeSend(message: Send): string | undefined {
  const { id, msgId, to, conv, content, clientTime } = message
  if (typeof content !== 'string' || message.meta !== undefined || message.contentType !== undefined)
    return undefined
  let text = `{"type":"send","id":${id},"msgId":${quote(msgId)}`
  if (to !== undefined) text += `,"to":${quote(to)}`
  if (conv !== undefined) text += `,"conv":${quote(conv)}`
  text += `,"content":${quote(content)}`
  if (clientTime !== undefined) text += `,"clientTime":${clientTime}`
  return `${text}}`
}

/** What JSON has to escape, and surrogates, which JSON.stringify escapes where they stand alone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const special = /["\\\u0000-\u001f\ud800-\udfff]/

function quote(text: string): string {
  return special.test(text) ? JSON.stringify(text) : `"${text}"`
}
