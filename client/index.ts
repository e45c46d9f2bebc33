// The client of chatspec/1: stays connected, repeats what got no answer, hands over each message once and in order.
export type { Clock } from './clock.ts'
export { type Client, createClient } from './client.ts'
export type {
  Discontinuity,
  LinkState,
  Refused,
  RequestResult,
  SendResult,
  SentInfo,
  Status,
} from './effects.ts'
export type {
  ClientEvents,
  ClientOptions,
  HistoryQuery,
  MembershipResult,
  NewMessage,
  SendHandle,
  TokenProvider,
} from './options.ts'
export type { Reason } from './reconnect.ts'
export type { WebSocketConstructor, WebSocketLike } from './socket.ts'
export {
  browserStorage,
  type ClientState,
  memoryStorage,
  type PendingSend,
  type Position,
  parseState,
  type Storage,
  stringifyState,
} from './storage.ts'
