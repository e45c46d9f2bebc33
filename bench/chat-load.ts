// Chat traffic for the server bench: pairs or a group, pipelined, with prepared frames and cumulative acks.
import { randomBytes, randomUUID } from 'node:crypto'
import { type Codec, cborCodec, jsonCodec, subprotocols, type ServerMessage } from '../protocol/index.ts'
import { type BenchSocket, frameOf, openSocket } from './socket.ts'

export interface ChatPlan {
  port: number
  encoding: 'json' | 'cbor'
  tokenOf: (user: string) => string
  /** Content of every message, in bytes. */
  contentBytes: number
  /** Sends of one connection that await their answer. */
  depth: number
}

export interface ChatLoad {
  /** Messages that were answered and reached every receiver. */
  delivered: () => number
  stop: () => void
}

const limits = { maxFrame: 1 << 24, maxContent: 1 << 24 }

interface Member {
  socket: BenchSocket
  user: string
  sendNext: () => void
}

/** 50 pairs: everybody sends to its partner. */
export async function pairs(plan: ChatPlan, count: number): Promise<ChatLoad> {
  const run = randomUUID().slice(0, 8)
  const state = { delivered: 0, isRunning: true }
  const names = Array.from({ length: count }, (_, index) => `u${run}-${index}`)
  const members: Member[] = []
  for (const [index, user] of names.entries()) {
    members.push(await member(plan, user, { to: names[index ^ 1] ?? user }, state))
  }
  for (const { sendNext } of members) for (let n = 0; n < plan.depth; n++) sendNext()
  return loadOf(members, state)
}

/** One group of `count`, in which the first `senders` talk. */
export async function group(plan: ChatPlan, count: number, senders: number): Promise<ChatLoad> {
  const run = randomUUID().slice(0, 8)
  const state = { delivered: 0, isRunning: true }
  const conv = `g:${run}`
  const members: Member[] = []
  for (let index = 0; index < count; index++) {
    members.push(await member(plan, `u${run}-${index}`, { conv, join: true }, state))
  }
  for (const { sendNext } of members.slice(0, senders)) for (let n = 0; n < plan.depth; n++) sendNext()
  return loadOf(members, state)
}

function loadOf(members: Member[], state: { delivered: number; isRunning: boolean }): ChatLoad {
  return {
    delivered: () => state.delivered,
    stop: () => {
      state.isRunning = false
      for (const { socket } of members) socket.close()
    },
  }
}

interface Target {
  to?: string
  conv?: string
  join?: boolean
}

/** Receivers acknowledge this many messages at a time. */
const ackEvery = 32

async function member(
  plan: ChatPlan,
  user: string,
  { to, conv, join }: Target,
  state: { delivered: number; isRunning: boolean },
): Promise<Member> {
  const codec: Codec<string | Uint8Array> =
    plan.encoding === 'json' ? jsonCodec : (cborCodec as Codec<string | Uint8Array>)
  const wire = (message: Parameters<typeof codec.encode>[0]): Buffer => {
    const bytes = codec.encode(message, 0)
    return typeof bytes === 'string' ? frameOf(Buffer.from(bytes), 1) : frameOf(bytes, 2)
  }
  const read = (data: Buffer, start: number, end: number): ServerMessage => {
    const raw = plan.encoding === 'json' ? data.toString('utf8', start, end) : data.subarray(start, end)
    const decoded = codec.decodeServer(raw, limits)
    if (!decoded.ok) throw new Error(decoded.detail)
    return decoded.message
  }
  let onFrame: (message: ServerMessage) => void = () => undefined
  const socket = await openSocket({
    port: plan.port,
    path: '/ws',
    protocol: subprotocols[plan.encoding],
    onMessage: (data, start, end) => {
      const kind = kindOf(plan.encoding, data, start)
      if (kind === 'sent') return sendNext()
      if (kind === 'msg') return received(data, start, end)
      onFrame(read(data, start, end))
    },
  })
  const template = wire({
    type: 'send',
    id: 1,
    msgId: '00000000-0000-4000-8000-000000000000',
    ...(to === undefined ? { conv: conv ?? '' } : { to }),
    content: 'x'.repeat(plan.contentBytes),
  })
  const idAt = template.indexOf('00000000-0000-4000-8000-')
  const prefix = randomBytes(12).toString('hex')
  let sent = 0
  let unacked = 0

  /** The same frame with another msgId: what the sender costs must not slow the server down. */
  function sendNext(): void {
    if (!state.isRunning) return
    sent += 1
    const frame = Buffer.from(template)
    frame.write(uuid(prefix, sent), idAt, 'latin1')
    socket.write(frame)
  }

  function received(data: Buffer, start: number, end: number): void {
    state.delivered += 1
    unacked += 1
    if (unacked < ackEvery) return
    unacked = 0
    const message = read(data, start, end)
    if (message.type === 'msg')
      socket.write(wire({ type: 'ack', conv: message.conv, epoch: message.epoch, seq: message.seq }))
  }

  await new Promise<void>((resolve, reject) => {
    onFrame = (message) => {
      if (message.type === 'live' && join !== true) resolve()
      if (message.type === 'live' && join === true)
        socket.write(wire({ type: 'join', id: 2, conv: conv ?? '' }))
      if (message.type === 'ok') resolve()
      if (message.type === 'error' || message.type === 'bye') reject(new Error(JSON.stringify(message)))
    }
    socket.write(wire({ type: 'hello', id: 1, token: plan.tokenOf(user), deviceId: 'bench', network: 'lan' }))
  })
  onFrame = (message) => {
    if (message.type === 'ping') socket.write(wire({ type: 'pong', n: message.n }))
    else if (message.type === 'error' || message.type === 'bye') throw new Error(JSON.stringify(message))
  }
  return { socket, user, sendNext }
}

/** Looked up without decoding; everything else is decoded. */
function kindOf(encoding: 'json' | 'cbor', data: Buffer, start: number): 'sent' | 'msg' | 'other' {
  if (encoding === 'cbor') return data[start + 13] === 10 ? 'sent' : data[start + 13] === 11 ? 'msg' : 'other'
  // {"type":"sent"… and {"type":"msg"…
  const first = data[start + 9]
  if (first === 0x6d && data[start + 10] === 0x73) return 'msg'
  return first === 0x73 && data[start + 11] === 0x6e && data[start + 12] === 0x74 ? 'sent' : 'other'
}

function uuid(prefix: string, n: number): string {
  const tail = n.toString(16).padStart(12, '0')
  return `${prefix.slice(0, 8)}-${prefix.slice(8, 12)}-4${prefix.slice(12, 15)}-8${prefix.slice(15, 18)}-${tail}`
}
