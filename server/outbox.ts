// One connection's way out through uWebSockets.js: frames queue up during an event and leave in one system call.
// HOT PATH, guarded by bench/server.bench.ts
import type { Socket, Wire } from './socket.ts'
import type { WebSocket } from './uws-types.ts'

/**
 * A socket that leaves its last topic loses what was published there and is not written yet. So it never leaves this
 * one, to which nobody publishes.
 */
const holdingTopic = 'hold'

export interface Outbox {
  connect(socket: WebSocket<unknown>): UwsSocket
  /** Marks the beginning of an event; whatever is sent before `flush` is written by it. */
  begin(): void
  flush(): void
}

export class UwsSocket implements Socket {
  private readonly outbox: Outboxes
  private readonly socket: WebSocket<unknown>
  /** Lent by the outbox while something waits: an idle socket holds none. */
  private queue: Wire[] | undefined
  private isOpen = true
  /** Something was written since the kernel had last taken everything: asking costs a call into native code. */
  private mayBuffer = false
  private isHeld = false

  constructor(outbox: Outboxes, socket: WebSocket<unknown>) {
    this.outbox = outbox
    this.socket = socket
  }

  send(frame: Wire): void {
    if (!this.isOpen) return
    if (this.queue === undefined) {
      this.queue = this.outbox.lend()
      this.outbox.add(this)
    }
    this.queue.push(frame)
  }

  flush(): void {
    this.mayBuffer = true
    if (!this.isOpen || this.queue === undefined) return
    if (this.queue.length === 1) {
      this.writeQueue()
    } else {
      corked = this
      this.socket.cork(writeCorked)
    }
  }

  /** Public for `writeCorked` only. */
  writeQueue(): void {
    const queue = this.queue
    if (queue === undefined) return
    this.queue = undefined
    for (let index = 0; index < queue.length; index++) {
      const frame = queue[index]
      if (frame !== undefined && this.socket.send(frame, typeof frame !== 'string') === 2)
        this.outbox.counters.dropped += 1
    }
    this.outbox.takeBack(queue)
  }

  bufferedBytes(): number {
    if (!this.isOpen || !this.mayBuffer) return 0
    const bytes = this.socket.getBufferedAmount()
    this.mayBuffer = bytes > 0
    return bytes
  }

  subscribe(topic: string): void {
    if (!this.isOpen) return
    if (!this.isHeld) this.socket.subscribe(holdingTopic)
    this.isHeld = true
    this.socket.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    if (this.isOpen) this.socket.unsubscribe(topic)
  }

  publish(topic: string, frame: Wire): void {
    if (!this.isOpen) return
    this.flush()
    this.socket.publish(topic, frame, typeof frame !== 'string')
  }

  end(code: number, reason: string): void {
    if (!this.isOpen) return
    this.flush()
    this.isOpen = false
    this.socket.end(code, reason)
  }

  /** The peer went away: nothing may be called on the native socket any more. */
  closed(): void {
    this.isOpen = false
    if (this.queue !== undefined) this.outbox.takeBack(this.queue)
    this.queue = undefined
  }
}

/** Empty queues that are kept for reuse. */
const spareQueues = 1_024

let corked: UwsSocket | undefined

/** One function for all sockets, so that a flush makes no closure. */
function writeCorked(): void {
  corked?.writeQueue()
  corked = undefined
}

export class Outboxes implements Outbox {
  /** Its `dropped` counts what the socket layer threw away. */
  readonly counters: { dropped: number }
  private waiting: UwsSocket[] = []
  private readonly spare: Wire[][] = []
  private inEvent = false

  constructor(counters: { dropped: number }) {
    this.counters = counters
  }

  connect(socket: WebSocket<unknown>): UwsSocket {
    return new UwsSocket(this, socket)
  }

  lend(): Wire[] {
    return this.spare.pop() ?? []
  }

  takeBack(queue: Wire[]): void {
    queue.length = 0
    if (this.spare.length < spareQueues) this.spare.push(queue)
  }

  begin(): void {
    this.inEvent = true
  }

  add(socket: UwsSocket): void {
    this.waiting.push(socket)
    // Outside an event nobody would flush: answers that come from a promise.
    if (!this.inEvent && this.waiting.length === 1) queueMicrotask(() => this.flush())
  }

  flush(): void {
    this.inEvent = false
    const waiting = this.waiting
    if (waiting.length === 0) return
    this.waiting = []
    for (const socket of waiting) socket.flush()
  }
}
