// What the server core asks of a connection's transport: the seam where tests put a fake.

export type Wire = string | Uint8Array

export interface Socket {
  /** Queues one frame behind all earlier ones; `flush` or the end of the current event writes it. */
  send(frame: Wire): void
  /** Also called before this socket gets its share of a `publish`. */
  flush(): void
  /** Bytes that wait in user space. */
  bufferedBytes(): number
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  /** Sends to every subscriber of `topic` but this one, behind what each was sent before. */
  publish(topic: string, frame: Wire): void
  /** Writes what is queued, then the close frame. The socket is unusable after it. */
  end(code: number, reason: string): void
}

/** Sends to every subscriber of a topic. */
export interface Broadcaster {
  publish(topic: string, frame: Wire): void
}
