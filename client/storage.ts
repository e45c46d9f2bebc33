// What a client keeps over restarts, and where: in memory, or in a browser's localStorage.
import type { Content, ConversationId, GapReason, Milliseconds, Seq } from '../protocol/index.ts'

/** How far this device has handed one conversation to its application. */
export interface Position {
  conv: ConversationId
  epoch: string
  /** Absent while only own messages of the conversation are known. */
  seq?: Seq
  /** Own messages after `seq`, which are not handed over when they come back. */
  own?: Seq[]
  /** Own messages of a later epoch. */
  next?: { epoch: string; own: Seq[] }
  /** A hole before `seq` that the application has not been told of. */
  hole?: { from: Seq; to: Seq; reason: GapReason | 'unannounced' }
}

/** A message without an answer yet. Exactly one of `to` and `conv`. */
export interface PendingSend {
  msgId: string
  to?: string
  conv?: ConversationId
  content: Content
  contentType?: string
  clientTime?: Milliseconds
  meta?: Record<string, string>
}

export interface ClientState {
  /** The user that the rest belongs to. */
  userId?: string
  positions: Position[]
  /** Oldest first. */
  pending: PendingSend[]
}

/**
 * A place for one client's state. `save` has stored everything when it returns, or when its promise resolves.
 *
 * What a crash costs: messages that were handled within the last 50 ms (or the last 31 of them) were perhaps not
 * stored, and are handed over again; their conv, epoch and seq tell. An application that keeps the state together
 * with its own data gets each message exactly once. A message to send is stored before it is written, so that it goes
 * out under the same msgId afterwards, and once; one that was not stored yet was never written.
 */
export interface Storage {
  load(): ClientState | undefined | Promise<ClientState | undefined>
  save(state: ClientState): void | Promise<void>
}

/** Survives the client object, not the process. */
export function memoryStorage(): Storage {
  let saved: string | undefined
  return {
    load: () => (saved === undefined ? undefined : parseState(saved)),
    save(state) {
      saved = stringifyState(state)
    },
  }
}

/** For pages. One `key` per user and device: two clients that share one would overwrite each other. */
export function browserStorage(key: string, area: Pick<globalThis.Storage, 'getItem' | 'setItem'>): Storage {
  return {
    load() {
      const text = area.getItem(key)
      return text === null ? undefined : parseState(text)
    },
    save: (state) => area.setItem(key, stringifyState(state)),
  }
}

/** The state as JSON text, for a storage of one's own. */
export function stringifyState(state: ClientState): string {
  return JSON.stringify({ version: 1, ...state }, (key, value: unknown) =>
    key === 'content' && value instanceof Uint8Array ? { base64: toBase64(value) } : value,
  )
}

/** Undefined if `text` is not what `stringifyState` wrote: then this device begins anew. */
export function parseState(text: string): ClientState | undefined {
  try {
    const value: unknown = JSON.parse(text, (key, inner: unknown) =>
      key === 'content' && isBase64(inner) ? fromBase64(inner.base64) : inner,
    )
    return isState(value) ? value : undefined
  } catch {
    return undefined
  }
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}

function isBase64(value: unknown): value is { base64: string } {
  return typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string'
}

function isState(value: unknown): value is ClientState {
  if (typeof value !== 'object' || value === null) return false
  if (!('version' in value) || value.version !== 1) return false
  if (!('positions' in value) || !('pending' in value)) return false
  return Array.isArray(value.positions) && Array.isArray(value.pending)
}
