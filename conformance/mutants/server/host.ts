// The machine around a server: its port, its disk, and what can be done to its process, all inside this process.
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { HookCommands } from '../../hooks.ts'
import type { TargetDescriptor } from '../../target.ts'
import type { Limits } from '../../../protocol/index.ts'
import type { SwitchId } from '../switches.ts'
import { Disk } from './disk.ts'
import { onRequest } from './http.ts'
import { capabilities, limits, type ServerOptions } from './options.ts'
import { ChatServer } from './server.ts'
import { Upgrader } from './upgrade.ts'

/** [M01] What a disk that acknowledges too early has not written yet. */
const unwrittenMs = 300
/** [LIM-08] */
const handshakeMs = 60_000
/** A process that was stopped and continued was away for so long at least. */
const pauseMs = 60

export interface HostOptions {
  switches?: readonly SwitchId[]
  limits?: Partial<Limits>
  /** Instead of all. */
  caps?: readonly string[]
  /** Declared, but not there. */
  lies?: readonly string[]
}

export class Host {
  readonly #options: ServerOptions
  readonly #http: Server
  readonly #sockets = new Set<Socket>()
  #disk = new Disk()
  #server: ChatServer | undefined
  #upgrader: Upgrader | undefined

  /** A server on a port of its own. */
  static async start(options: HostOptions = {}): Promise<Host> {
    const host = new Host(options)
    await new Promise<void>((resolve) => host.#http.listen(0, '127.0.0.1', resolve))
    host.#start()
    return host
  }

  private constructor(options: HostOptions) {
    this.#options = {
      secret: randomBytes(32).toString('hex'),
      audience: 'chatspec-mutants',
      issuer: 'https://mutants.invalid',
      adminToken: randomBytes(16).toString('hex'),
      limits: { ...limits, ...options.limits },
      caps: options.caps ?? capabilities,
      lies: options.lies ?? [],
      graceMs: 1_000,
      switches: new Set(options.switches),
    }
    this.#http = createServer({ headersTimeout: handshakeMs, connectionsCheckingInterval: 1_000 })
    this.#http.on('connection', (socket) => this.#connected(socket))
    this.#http.on('request', (request, response) =>
      this.#whenRunning(
        (server) => void onRequest(server, request, response).catch(() => response.destroy()),
      ),
    )
    this.#http.on('upgrade', (request, socket, head) =>
      this.#whenRunning(() => this.#upgrader?.upgrade(request, socket, head)),
    )
  }

  /** How to judge it. */
  get target(): TargetDescriptor {
    const { secret, audience, issuer, adminToken } = this.#options
    const { port } = this.#http.address() as AddressInfo
    const hooks: HookCommands = {
      start: async () => this.#start(),
      kill: async () => this.#kill(),
      restart: async () => {
        this.#kill()
        this.#start()
      },
      term: async () => {
        await this.#server?.drain()
        await this.#emptied()
        this.#kill()
      },
      pause: async () => this.#pause(),
      resume: () => this.#resume(),
      revoke: async (values) => this.#revoke(port, adminToken, values),
      metrics: `http://127.0.0.1:${port}/metrics`,
    }
    return { url: `ws://127.0.0.1:${port}/ws`, tokens: { secret, audience, issuer }, hooks }
  }

  async close(): Promise<void> {
    this.#kill()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  #start(): void {
    const server = new ChatServer(this.#options, this.#disk, {
      reset: (socket) => rawSocket(socket)?.resetAndDestroy(),
      crash: () => {
        this.#kill()
        this.#start()
      },
      openSockets: () => this.#sockets.size,
      onBytes: (socket, act) => rawSocket(socket)?.on('data', act),
    })
    this.#server = server
    this.#upgrader = new Upgrader(server)
  }

  #kill(): void {
    this.#server?.stop()
    this.#server = undefined
    this.#upgrader = undefined
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    this.#forget()
  }

  /** What the disk does not hold after all. */
  #forget(): void {
    const { switches, caps } = this.#options
    const sinceMs = Date.now() - unwrittenMs
    if (switches.has('M01')) this.#disk.lose(({ timestamp }) => timestamp > sinceMs)
    if (switches.has('M154')) this.#disk.lose(({ seq }) => seq > 10)
    if (switches.has('M115')) this.#disk.loseMembers()
    if (caps.includes('durability=memory'))
      this.#disk = new Disk(switches.has('M166') ? this.#disk.epoch : undefined)
  }

  #pause(): void {
    if (this.#server) this.#server.held = []
  }

  /** What was written to it while it was stopped lies in its sockets when it goes on. */
  async #resume(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const held = this.#server?.held ?? []
    if (this.#server) this.#server.held = undefined
    for (const act of this.#options.switches.has('M151') ? held.reverse() : held) act()
  }

  async #revoke(port: number, adminToken: string, values: Record<string, string>): Promise<void> {
    const headers = { Authorization: `Bearer ${adminToken}` }
    await fetch(`http://127.0.0.1:${port}/admin/revoke`, {
      method: 'POST',
      headers,
      body: JSON.stringify(values),
    })
  }

  #connected(socket: Socket): void {
    if (!this.#server) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    if (!this.#options.switches.has('M162')) socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
  }

  /** A process that is stopped does nothing, but its machine still takes connections. */
  #whenRunning(act: (server: ChatServer) => void): void {
    const server = this.#server
    if (server?.held) server.held.push(() => act(server))
    else if (server) act(server)
  }

  /** The peers have had the time to read the last words. */
  async #emptied(): Promise<void> {
    for (let rounds = 0; rounds < 40 && (this.#server?.connections.size ?? 0) > 0; rounds++)
      await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function rawSocket(socket: WebSocket): Socket | undefined {
  return '_socket' in socket ? (socket._socket as Socket) : undefined
}
