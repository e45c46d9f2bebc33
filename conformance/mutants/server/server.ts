// A chat server of its own: correct by default, wrong where a switch says so. It lives until it is stopped or dropped.
import type { Encoding } from '../../../protocol/index.ts'
import type { WebSocket } from 'ws'
import type { SwitchId } from '../switches.ts'
import { Connection } from './connection.ts'
import { type Disk, entry } from './disk.ts'
import { tick } from './heartbeat.ts'
import type { ServerOptions } from './options.ts'
import * as presence from './presence.ts'
import { Bucket } from './rates.ts'
import { tellMissed } from './receipts.ts'
import { onMessage } from './session.ts'
import { isRevoked } from './tokens.ts'
import { Writer } from './writer.ts'

const tickMs = 50

/** What surrounds a server. */
export interface Process {
  /** Ends a TCP connection at once. */
  reset(socket: WebSocket): void
  /** Ends the process, which somebody starts again. */
  crash(): void
  openSockets(): number
  /** [M272] */
  onBytes(socket: WebSocket, act: () => void): void
}

export class ChatServer {
  readonly options: ServerOptions
  readonly disk: Disk
  readonly writer: Writer
  /** Every WebSocket that is open. */
  readonly connections = new Set<Connection>()
  /** Sessions by user, the oldest first. */
  readonly sessions = new Map<string, Set<Connection>>()
  isDraining = false
  /** Set while the process is stopped as by SIGSTOP: what has to wait until it goes on. */
  held: (() => void)[] | undefined
  /** [M17] [M19] [M10] What a careless server keeps in memory only. */
  readonly memory = {
    seqs: new Map<string, number>(),
    seq: 0,
    startedAtMs: Date.now(),
    used: new Set<string>(),
  }
  readonly #frames = new Map<string, Bucket>()
  readonly #sends = new Map<string, Bucket>()
  readonly #timer: NodeJS.Timeout
  /** [M21] Lists of receivers, and how old they are. */
  readonly lists = new Map<string, { list: Connection[]; atMs: number }>()
  /** [M24] Deliveries that wait for others. */
  chain: Promise<void> = Promise.resolve()
  /** [M47] A session is about to end. */
  isLeaving = false
  readonly #pending = new Map<string, number>()
  readonly #process: Process

  constructor(options: ServerOptions, disk: Disk, process: Process) {
    this.options = options
    this.disk = disk
    this.#process = process
    this.writer = new Writer(() => this.#commitMs())
    this.#timer = setInterval(() => this.held ?? tick(this), tickMs)
  }

  /** True where this server is to be wrong, or odd. */
  readonly has = (id: SwitchId): boolean => this.options.switches.has(id)

  /** True if it can do that, whether it says so or not. */
  can(name: string): boolean {
    return this.options.caps.includes(name) && !this.options.lies.includes(name)
  }

  open(socket: WebSocket, encoding: Encoding, urlToken?: string): void {
    const connection = new Connection(this, socket, encoding, urlToken)
    this.connections.add(connection)
    const later = (act: () => void): void => {
      if (this.held) this.held.push(act)
      else act()
    }
    const heard = (): void => {
      if (!this.has('M49')) connection.heardAtMs = performance.now()
    }
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      later(() => onMessage(connection, data, isBinary)),
    )
    if (this.has('M272')) this.#process.onBytes(socket, heard)
    socket.on('ping', heard)
    socket.on('pong', heard)
    socket.on('error', () => {})
    socket.on('close', () => later(() => this.#gone(connection)))
  }

  sessionsOf(user: string): Connection[] {
    return [...(this.sessions.get(user) ?? [])]
  }

  /** Registers a session. */
  entered(connection: Connection): void {
    entry(this.sessions, connection.user, () => new Set<Connection>()).add(connection)
    presence.changed(this, connection.user)
  }

  /** Takes a session out, if it is still there. */
  left(connection: Connection, silently = false): void {
    const user = connection.identity?.sub
    if (user === undefined) return
    const sessions = this.sessions.get(user)
    if (this.has('M129') && !sessions?.has(connection)) presence.tell(this, user, 'offline', 0)
    if (this.has('M114') || !sessions?.delete(connection)) return
    if (sessions.size === 0) this.sessions.delete(user)
    this.isLeaving = true
    if (!silently) presence.changed(this, user)
    this.isLeaving = false
  }

  /** Milliseconds to wait before one more frame of this user, or `send`. */
  frameDelayMs(user: string): number {
    const { frameRatePerSecond, frameBurst } = this.options.limits
    return entry(
      this.#frames,
      this.has('M270') ? '' : user,
      () => new Bucket(frameRatePerSecond, frameBurst),
    ).take()
  }

  sendDelayMs(connection: Connection): number {
    if (this.has('M142')) return connection.ownSends.take()
    const { sendRatePerSecond, sendBurst } = this.options.limits
    return entry(this.#sends, connection.user, () => new Bucket(sendRatePerSecond, sendBurst)).take()
  }

  /** Ends what a revocation reaches. */
  revoked(): void {
    for (const connection of this.connections)
      if (connection.identity && isRevoked(this, connection.identity) && !this.has('M180'))
        connection.bye('REVOKED', 'the token was revoked')
  }

  /** [DRN-01] Tells everybody, and gives them time. Done when all are told that it is over. */
  async drain(): Promise<void> {
    const { graceMs } = this.options
    this.isDraining = true
    for (const connection of this.connections)
      if (connection.hasSession && !this.has('M152'))
        connection.write({
          type: 'drain',
          graceMs,
          reconnectMinMs: 100,
          reconnectMaxMs: 1_000,
          resumable: true,
        })
    await new Promise((resolve) => setTimeout(resolve, this.has('M181') ? 0 : graceMs))
    for (const connection of [...this.connections])
      connection.bye(this.has('M182') ? 'SESSION_REPLACED' : 'SERVICE_RESTART', 'the server stops')
  }

  /** Ends at once, as a process that was killed does. */
  stop(): void {
    clearInterval(this.#timer)
    this.writer.stop()
    for (const connection of this.connections) connection.state = 'closing'
  }

  /** Ends the TCP connection without waiting for anything. */
  reset({ socket }: Connection): void {
    this.#process.reset(socket)
  }

  crash(): void {
    this.#process.crash()
  }

  openSockets(): number {
    return this.#process.openSockets()
  }

  /** What a group of changes takes. */
  #commitMs(): number {
    if (this.has('B01')) return Math.floor(Math.random() ** 8 * 300)
    if (this.has('M105')) return 40
    return this.has('M64') ? 30 : 0
  }

  /** A connection has all that it missed. */
  isLive(connection: Connection): void {
    presence.introduce(this, connection)
    if (connection.wantsReceipts && !this.has('M289')) tellMissed(connection)
  }

  /** [M105] Counts what is on its way to the log. */
  pending(conv: string, change: number): void {
    const count = this.pendingIn(conv) + change
    if (count === 0) this.#pending.delete(conv)
    else this.#pending.set(conv, count)
  }

  pendingIn(conv: string): number {
    return this.#pending.get(conv) ?? 0
  }

  #gone(connection: Connection): void {
    this.connections.delete(connection)
    connection.state = 'closing'
    if (this.has('M161')) return
    if (this.has('M263') && connection.identity)
      for (const { conversation, position } of connection.streams.values())
        this.disk.setPosition(connection.device, conversation.id, position)
    this.left(connection)
  }
}
