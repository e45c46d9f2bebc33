// A TCP proxy in front of any server, which breaks connections: at once, or in the middle of a frame.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  near: Socket
  far: Socket
  /** The next bytes in one direction are cut short, and the connection with them. */
  cutsNext: 'in' | 'out' | undefined
}

export class FaultProxy {
  readonly #target: { port: number; host?: string }
  readonly #random: () => number
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  /** Connections that were broken on purpose. */
  cuts = 0
  midFrameCuts = 0

  constructor(target: { port: number; host?: string }, random: () => number) {
    this.#target = target
    this.#random = random
    this.#server = createServer((near) => this.#accept(near))
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Breaks all connections; what the kernel still holds of them is lost. */
  cut(): void {
    for (const pair of this.#pairs) {
      this.cuts += 1
      this.#break(pair)
    }
  }

  /** Breaks each connection within the next bytes that pass through it in the direction of `way`. */
  cutMidFrame(way: 'in' | 'out'): void {
    for (const pair of this.#pairs) pair.cutsNext ??= way
  }

  async stop(): Promise<void> {
    for (const pair of this.#pairs) this.#break(pair)
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(near: Socket): void {
    const pair: Pair = { near, far: connect({ host: '127.0.0.1', ...this.#target }), cutsNext: undefined }
    this.#pairs.add(pair)
    this.#pass(pair, 'in')
    this.#pass(pair, 'out')
  }

  #pass(pair: Pair, way: 'in' | 'out'): void {
    const [from, to] = way === 'in' ? [pair.near, pair.far] : [pair.far, pair.near]
    from.on('data', (bytes) => {
      if (pair.cutsNext !== way || bytes.length < 2) {
        to.write(bytes)
        return
      }
      pair.cutsNext = undefined
      this.cuts += 1
      this.midFrameCuts += 1
      to.write(bytes.subarray(0, 1 + Math.floor(this.#random() * (bytes.length - 1))), () =>
        this.#break(pair),
      )
    })
    from.on('error', () => {})
    from.on('close', () => this.#break(pair))
  }

  #break(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return
    pair.near.destroy()
    pair.far.destroy()
  }
}
