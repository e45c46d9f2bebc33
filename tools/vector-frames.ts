// The frames that the golden vectors spell: every type with its required fields only, and with all of them.
import type { AnyMessage, ClientMessage, Message, ServerMessage } from '../protocol/index.ts'

export interface Sample<M extends AnyMessage> {
  name: string
  message: M
}

const msgId = '3f0b1c2d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const conv = 'd:alice:bob'
const epoch = 'k3'
const position = { conv, epoch, seq: 42 }
const now = 1_790_000_000_123
const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'
const meta = { lang: 'en', 'x.trace-id': 'ü' }
const heartbeat = { intervalMs: 60_000, timeoutMs: 10_000, maxMissed: 2, deadAfterMs: 130_000 }
// Not the defaults: vectors outlive them.
const limits = {
  maxFrame: 100_000,
  maxContent: 10_000,
  window: 100,
  sendWindow: 200,
  ackTimeoutMs: 20_000,
  dedupWindowMs: 300_000,
  offlineMax: 1_000,
  historyMaxLimit: 250,
  resumeWindowMs: 86_400_000,
  helloTimeoutMs: 5_000,
  sendRatePerSecond: 20,
  sendBurst: 40,
  frameRatePerSecond: 100,
  frameBurst: 500,
  connectionsPerUser: 5,
  conversationsPerUser: 50,
  groupMembersMax: 32,
}
const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff])
const message: Message = { ...position, msgId, from: 'alice', content: 'hi', timestamp: now }
const fullMessage: Message = { ...message, contentType: 'text/markdown', clientTime: now - 5, meta }
const opaqueMessage: Message = { ...message, content: png, contentType: 'image/png' }

/** Both sides write these. */
const both: Sample<ClientMessage & ServerMessage>[] = [
  { name: 'ping', message: { type: 'ping', n: 0 } },
  { name: 'pong', message: { type: 'pong', n: 7 } },
  { name: 'bye/minimal', message: { type: 'bye', code: 1000, reason: '', reconnect: 'never' } },
  {
    name: 'bye/full',
    message: { type: 'bye', code: 4003, reason: 'too slow', reconnect: 'backoff', retryAfterMs: 250 },
  },
]

export const clientSamples: Sample<ClientMessage>[] = [
  ...both,
  { name: 'hello/minimal', message: { type: 'hello', id: 1, token, deviceId: 'phone' } },
  {
    name: 'hello/full',
    message: {
      type: 'hello',
      id: 1,
      token,
      deviceId: 'phone-1',
      network: 'mobile',
      heartbeat: { intervalMs: 20_000, timeoutMs: 5_000, maxMissed: 2 },
      caps: ['presence', 'receipts'],
      client: { name: 'chat für alle', version: '1.2.3' },
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      resume: { sessionId: 's-9', cursors: [position, { conv: 'g:team', epoch: 'p1', seq: 0 }] },
    },
  },
  { name: 'network/minimal', message: { type: 'network', id: 2, network: 'wifi' } },
  {
    name: 'network/full',
    message: { type: 'network', id: 2, network: 'lan', heartbeat: { intervalMs: 1_000 } },
  },
  { name: 'refresh', message: { type: 'refresh', id: 3, token } },
  { name: 'send/to', message: { type: 'send', id: 4, msgId, to: 'bob', content: 'hi' } },
  { name: 'send/conv', message: { type: 'send', id: 4, msgId, conv: 'g:team', content: 'hi' } },
  {
    name: 'send/full',
    message: {
      type: 'send',
      id: 4_294_967_295,
      msgId,
      conv,
      content: 'hi',
      contentType: 'text/markdown',
      clientTime: now,
      meta,
    },
  },
  { name: 'send/opaque', message: { type: 'send', id: 5, msgId, to: 'bob', content: png } },
  { name: 'ack/minimal', message: { type: 'ack', ...position } },
  { name: 'ack/full', message: { type: 'ack', id: 6, ...position } },
  { name: 'read/minimal', message: { type: 'read', ...position } },
  { name: 'read/full', message: { type: 'read', id: 6, ...position } },
  { name: 'join/minimal', message: { type: 'join', id: 7, conv: 'g:team' } },
  { name: 'join/full', message: { type: 'join', id: 7, conv: 'g:team', user: 'carol' } },
  { name: 'leave/minimal', message: { type: 'leave', id: 8, conv: 'g:team' } },
  { name: 'leave/full', message: { type: 'leave', id: 8, conv: 'g:team', user: 'carol' } },
  { name: 'sync/empty', message: { type: 'sync', id: 9, cursors: [], limit: 1 } },
  { name: 'sync/full', message: { type: 'sync', id: 9, cursors: [position], limit: 500 } },
  { name: 'history/minimal', message: { type: 'history', id: 10, conv, order: 'asc', limit: 50 } },
  {
    name: 'history/full',
    message: {
      type: 'history',
      id: 10,
      conv,
      fromTime: 0,
      toTime: now,
      afterSeq: 1,
      beforeSeq: 99,
      order: 'desc',
      limit: 500,
      cursor: 'c2VxOjk5',
    },
  },
]

export const serverSamples: Sample<ServerMessage>[] = [
  ...both,
  {
    name: 'welcome',
    message: {
      type: 'welcome',
      id: 1,
      sessionId: 's-9',
      userId: 'alice',
      serverTime: now,
      expiresAt: now + 3_600_000,
      resumed: false,
      caps: ['durability=fsync', 'fence', 'groups'],
      heartbeat,
      limits,
    },
  },
  {
    name: 'error/minimal',
    message: { type: 'error', code: 100, name: 'INTERNAL', message: '', retryable: true },
  },
  {
    name: 'error/full',
    message: {
      type: 'error',
      id: 4,
      code: 104,
      name: 'TOO_MANY_REQUESTS',
      message: 'over the rate of 200 per second',
      retryable: true,
      retryAfterMs: 40,
      msgId,
    },
  },
  { name: 'ok/minimal', message: { type: 'ok', id: 3 } },
  {
    name: 'ok/full',
    message: { type: 'ok', id: 3, epoch, top: 42, heartbeat, expiresAt: 0 },
  },
  {
    name: 'sent',
    message: { type: 'sent', id: 4, msgId, ...position, timestamp: now, duplicate: false },
  },
  { name: 'msg/minimal', message: { type: 'msg', ...message } },
  { name: 'msg/full', message: { type: 'msg', ...fullMessage, replay: true } },
  { name: 'msg/opaque', message: { type: 'msg', ...opaqueMessage, replay: false } },
  { name: 'receipt', message: { type: 'receipt', ...position, user: 'bob', kind: 'delivered' } },
  {
    name: 'synced/minimal',
    message: { type: 'synced', conv, epoch, from: 0, to: 42, top: 42, complete: true, recovered: true },
  },
  {
    name: 'synced/full',
    message: {
      type: 'synced',
      id: 9,
      conv,
      epoch,
      from: 10,
      to: 42,
      top: 99,
      complete: false,
      recovered: false,
      gap: { from: 1, to: 10, reason: 'overflow' },
      read: 5,
    },
  },
  { name: 'live/minimal', message: { type: 'live' } },
  { name: 'live/full', message: { type: 'live', id: 9 } },
  { name: 'page/empty', message: { type: 'page', id: 10, epoch, items: [], complete: true } },
  {
    name: 'page/full',
    message: {
      type: 'page',
      id: 10,
      epoch,
      items: [message, fullMessage, opaqueMessage],
      nextCursor: 'c2VxOjQy',
      complete: false,
    },
  },
  { name: 'gap', message: { type: 'gap', conv, epoch, from: 1, to: 3, reason: 'retention' } },
  { name: 'presence', message: { type: 'presence', user: 'bob', state: 'online', devices: 2, since: now } },
  { name: 'membership', message: { type: 'membership', ...position, user: 'carol', change: 'removed' } },
  {
    name: 'drain',
    message: { type: 'drain', graceMs: 10_000, reconnectMinMs: 0, reconnectMaxMs: 5_000, resumable: true },
  },
]
