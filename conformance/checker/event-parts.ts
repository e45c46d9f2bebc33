// What the events of a history are made of.

/** Any moment of the run, not tied to a connection. */
export interface Timed {
  /** Milliseconds on one monotonic clock; never decreases. */
  ms: number
}

/** Something that one connection of one device did or saw. */
export interface OnConnection extends Timed {
  user: string
  device: string
  /** Unique in the history. */
  connection: string
}

/** A place in one numbering of one conversation. */
export interface Position {
  conv: string
  epoch: string
  seq: number
}

/** A message as any reader sees it. */
export interface SeenMessage {
  seq: number
  from: string
  msgId: string
  /** `bodyHash` of content, contentType and meta. */
  hash: number
  /** The server's accept time, in milliseconds. */
  timestamp: number
}
