// One connection that speaks chatspec/1 frame by frame, keeps all it saw, and waits only until a deadline.
import {
  cborCodec,
  type Decoded,
  type DecodeLimits,
  type Encoding,
  errors,
  jsonCodec,
  type Limits,
  type RuleId,
  type ServerMessage,
} from '../protocol/index.ts'
import { AckPacer } from './ack-pacer.ts'
import { CatchUp } from './catch-up.ts'
import { quiet } from './deadline.ts'
import { describeEnd, type Ended, type WireEnd } from './ending.ts'
import { Inbox } from './inbox.ts'
import { encodeLoose, type LooseFrame } from './loose.ts'
import { describeWhere, type FrameOf, isAnswer, matches, type Reply, type Where } from './match.ts'
import type { Observer, User } from './observer.ts'
import { type Checked, fail, Finding, type Fault } from './outcome.ts'
import { summarize, summarizeBytes, type Trace } from './trace.ts'
import type { Wire, WireMessage } from './wire.ts'
import { opcodes } from './ws-frames.ts'

export interface WaitOptions {
  /** Default: the target's `timeoutMs`. */
  withinMs?: number
  /** The sentence that is broken if nothing comes; default: what the case is about. */
  rule?: RuleId
}

export interface ProbeOptions {
  wire: Wire
  user: User
  deviceId: string
  encoding: Encoding
  trace: Trace
  /** Of one wait. */
  timeoutMs: number
  observer?: Observer
}

/** Until `welcome` announces the server's own. */
const generousLimits: DecodeLimits = { maxFrame: 16 * 1024 * 1024, maxContent: 16 * 1024 * 1024 }
/** [FRM-22] A byte order mark is not skipped: it makes the text malformed. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Frames in the words of a finding; the trace has them all. */
const shownFrames = 8

export class Probe {
  readonly wire: Wire
  readonly user: User
  readonly deviceId: string
  readonly encoding: Encoding
  readonly timeoutMs: number
  /** Answer `ping` with `pong`. */
  autoPong = true
  /** Acknowledge every `msg`, as soon as those that came together with it have been read. */
  autoAck = true
  /** What a case writes while it is true is wrong on purpose: the history tells it from a mistake of the judge. */
  breaksRules = false
  /** What the server wrote that is no frame of chatspec/1; the case fails for it at its end. */
  readonly malformed: Checked[] = []
  /** What our own code threw while reading. */
  trouble: unknown
  protected limits = generousLimits
  readonly #inbox = new Inbox<ServerMessage>()
  readonly #arrivedAtMs = new WeakMap<ServerMessage, number>()
  readonly #trace: Trace
  readonly #observer: Observer | undefined
  readonly #acks = new AckPacer((ack) => this.write({ type: 'ack', ...ack }))
  readonly #catchUp = new CatchUp()
  #lastId = 0

  constructor({ wire, user, deviceId, encoding, trace, timeoutMs, observer }: ProbeOptions) {
    this.wire = wire
    this.user = user
    this.deviceId = deviceId
    this.encoding = encoding
    this.timeoutMs = timeoutMs
    this.#trace = trace
    this.#observer = observer
    wire.onMessage = (message) => this.#guard(message)
    wire.onRead = () => this.#acks.flush()
    wire.onEnd = () => this.#end()
  }

  get label(): string {
    return this.wire.label
  }

  // ---- writing ----

  /** Writes any frame, valid or not, in the encoding of this connection. */
  write(frame: LooseFrame): void {
    const { kind, payload } = encodeLoose(this.encoding, frame)
    this.#observer?.wrote(this, frame)
    this.wire.writeFrame({ opcode: opcodes[kind], payload }, summarize(frame))
  }

  /** For a case that writes the bytes of a frame itself. */
  recordWrite(frame: LooseFrame): void {
    this.#observer?.wrote(this, frame)
  }

  /** Writes one text message as it is. */
  writeText(text: string | Uint8Array): void {
    const payload = Buffer.from(text)
    this.#observer?.wrote(this, undefined)
    this.wire.writeFrame(
      { opcode: opcodes.text, payload },
      `text ${JSON.stringify(payload.toString().slice(0, 60))}`,
    )
  }

  /** Writes one binary message as it is. */
  writeBinary(payload: Uint8Array): void {
    this.#observer?.wrote(this, undefined)
    this.wire.writeFrame({ opcode: opcodes.binary, payload }, `binary ${summarizeBytes(payload)}`)
  }

  /** Ids count up from 1. */
  nextId(): number {
    return ++this.#lastId
  }

  // ---- reading ----

  /** Everything that arrived, in order. */
  get received(): readonly ServerMessage[] {
    return this.#inbox.all
  }

  /** Everything of one type that arrived, whether waited for or not. */
  seen<T extends ServerMessage['type']>(type: T, where: Where<T> = {}): FrameOf<T>[] {
    return this.received.filter((frame): frame is FrameOf<T> => matches(frame, type, where))
  }

  /** When a frame of `received` came, in milliseconds since the case began. */
  arrivedAtMs(frame: ServerMessage): number {
    return this.#arrivedAtMs.get(frame) ?? Number.NaN
  }

  /**
   * The next frame of `type` (and `where`) that no earlier wait took; it may have arrived already.
   * @throws Finding if none comes in time or the connection ends
   */
  next<T extends ServerMessage['type']>(
    type: T,
    where: Where<T> = {},
    options: WaitOptions = {},
  ): Promise<FrameOf<T>> {
    const matching = (frame: ServerMessage): frame is FrameOf<T> => matches(frame, type, where)
    return this.take(matching, `${type}${describeWhere(where)}`, options)
  }

  /** As `next`, but undefined instead of a finding. */
  async maybe<T extends ServerMessage['type']>(
    type: T,
    where: Where<T> = {},
    withinMs = this.timeoutMs,
  ): Promise<FrameOf<T> | undefined> {
    const taken = await this.#inbox.take((frame) => matches(frame, type, where), withinMs)
    return taken.ok ? (taken.value as FrameOf<T>) : undefined
  }

  /** The next frame of any of these types; undefined if none comes in time or the connection ends. */
  async anyOf<T extends ServerMessage['type']>(
    types: readonly T[],
    withinMs = this.timeoutMs,
  ): Promise<FrameOf<T> | undefined> {
    const taken = await this.#inbox.take((frame) => types.some((type) => frame.type === type), withinMs)
    return taken.ok ? (taken.value as FrameOf<T>) : undefined
  }

  /**
   * Writes a request under a fresh id and waits for its answer, whatever that says. The frame is written
   * before this returns: call it several times without `await` to pipeline.
   * @throws Finding if no answer comes in time or the connection ends
   */
  request(frame: LooseFrame): Promise<Reply> {
    const id = typeof frame.id === 'number' ? frame.id : this.nextId()
    this.write({ ...frame, id })
    const rule = frame.type === 'send' ? 'ACK-01' : frame.type === 'hello' ? 'AUTH-15' : 'ERR-11'
    return this.take((reply): reply is Reply => isAnswer(reply, id), `an answer to ${frame.type} id=${id}`, {
      rule,
    })
  }

  /** The next frame that `match` accepts; `wanted` says it in words. */
  protected take<F extends ServerMessage>(
    match: (frame: ServerMessage) => frame is F,
    wanted: string,
    { withinMs = this.timeoutMs, rule }: WaitOptions = {},
  ): Promise<F> {
    const since = this.received.length
    const taking = this.#inbox.take(match, withinMs).then((taken) => {
      if (taken.ok) return taken.value as F
      throw new Finding({ ...this.#missed(wanted, withinMs, since), ...(rule && { rule }) })
    })
    return quiet(taking)
  }

  // ---- ending ----

  /** How the connection ended, or undefined if it is still open after that time. */
  async ended(withinMs = this.timeoutMs): Promise<Ended | undefined> {
    const end = await this.wire.ended(withinMs)
    return end && this.#withBye(end)
  }

  /** Closes in an orderly way and waits for the end. */
  async close(code = 1000): Promise<Ended | undefined> {
    this.wire.close(code)
    return this.ended()
  }

  // ---- inside ----

  /** A mistake of our own ends the case, not the judge. */
  #guard(message: WireMessage): void {
    try {
      this.#read(message)
    } catch (error) {
      this.trouble ??= error
      this.wire.cut()
    }
  }

  #read(message: WireMessage): void {
    const decoded = this.#decode(message)
    if (decoded.ok) this.#onFrame(decoded.message)
    // A client ignores frame types that it does not know.
    else if (decoded.code === errors.UNKNOWN_TYPE.code)
      this.#trace.add(this.label, '<', `ignored: ${decoded.detail}`)
    else this.#onMalformed(decoded.rule, decoded.detail, message)
  }

  #decode({ kind, payload }: WireMessage): Decoded<ServerMessage> {
    const wanted = this.encoding === 'json' ? 'text' : 'binary'
    const refused = (rule: RuleId, detail: string) => ({ ok: false as const, rule, detail, code: 0 })
    if (kind !== wanted)
      return refused('FRM-15', `a ${kind} message arrived on a ${this.encoding} connection`)
    // A plain view: the codec cuts opaque content out of it, and a slice of a Buffer would stay a Buffer.
    const bytes = new Uint8Array(payload.buffer, payload.byteOffset, payload.length)
    if (this.encoding === 'cbor') return cborCodec.decodeServer(bytes, this.limits)
    if (payload.length > this.limits.maxFrame) return refused('FRM-05', `${payload.length} bytes arrived`)
    try {
      return jsonCodec.decodeServer(utf8.decode(bytes), this.limits)
    } catch {
      return refused('FRM-09', 'a text message is not valid UTF-8')
    }
  }

  #onFrame(frame: ServerMessage): void {
    this.#trace.add(this.label, '<', summarize(frame))
    this.#arrivedAtMs.set(frame, this.#trace.elapsedMs())
    this.#observer?.read(this, frame)
    if (frame.type === 'welcome') this.#keepTo(frame.limits)
    if (frame.type === 'ping' && this.autoPong) this.write({ type: 'pong', n: frame.n })
    if (frame.type === 'msg' && this.autoAck) this.#acks.arrived(frame)
    const missing = this.autoAck ? this.#catchUp.after(frame, () => this.nextId()) : undefined
    if (missing) this.write({ ...missing })
    this.#inbox.push(frame)
  }

  #keepTo(limits: Limits): void {
    this.limits = limits
    this.#catchUp.limit = limits.historyMaxLimit
    this.#acks.limit(limits)
  }

  #onMalformed(rule: RuleId, detail: string, message: WireMessage): void {
    const actual = `${this.label} got ${message.kind} ${summarizeBytes(message.payload)}: ${detail} (${rule})`
    this.#trace.add(this.label, '<', `malformed: ${detail}`)
    this.malformed.push({ ...fail('frames as SPEC.md has them', actual, 'malformed'), rule: 'FRM-15' })
  }

  #end(): void {
    this.#acks.end()
    this.#inbox.end()
    if (this.wire.end) this.#observer?.ended(this, this.#withBye(this.wire.end))
  }

  #withBye(end: WireEnd): Ended {
    const bye = this.seen('bye').at(-1)
    return { ...end, ...(bye && { bye }) }
  }

  #missed(wanted: string, withinMs: number, since: number): Checked {
    const { end, violation } = this.wire
    const isBroken = violation !== undefined || this.malformed.length > 0
    const fault: Fault = isBroken ? 'malformed' : !end ? 'silent' : end.how === 'reset' ? 'reset' : 'closed'
    const ending = violation
      ? `the server broke RFC 6455: ${violation}`
      : end && `the connection was ${describeEnd(end)}`
    const frames = this.received.slice(since).slice(-shownFrames).map(summarize)
    const meanwhile = frames.length > 0 ? `meanwhile: ${frames.join('; ')}` : 'nothing arrived meanwhile'
    const bad = this.malformed.length > 0 ? `; ${this.malformed.at(-1)?.actual}` : ''
    return fail(
      `${wanted} at ${this.label} within ${withinMs} ms`,
      `${ending ?? 'it did not come'}; ${meanwhile}${bad}`,
      fault,
    )
  }
}
