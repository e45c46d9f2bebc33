// What a case works with: fresh users, their tokens and connections, and everything the server promised.
import { setMaxListeners } from 'node:events'
import {
  type Encoding,
  type Heartbeat,
  type Limits,
  type Message,
  type RuleId,
  subprotocols,
} from '../protocol/index.ts'
import type { Profile } from './case.ts'
import type { ConnectChoices, OpenChoices, UpgradeChoices } from './choices.ts'
import { turnedAway } from './expect.ts'
import type { HookName } from './hooks.ts'
import { type HttpAnswer, type HttpOptions, requestHttp } from './http.ts'
import { type Checked, Finding, untestable } from './outcome.ts'
import { quiet } from './deadline.ts'
import type { User } from './observer.ts'
import { Random } from './random.ts'
import { HistoryRecorder } from './recorder.ts'
import { Session } from './session.ts'
import { httpUrl, type Target } from './target.ts'
import type { Claims } from './tokens.ts'
import type { ContextOptions, Reduced } from './context-options.ts'
import { Trace } from './trace.ts'
import { type Upgrade, upgrade } from './upgrade.ts'
import type { Wire } from './wire.ts'

const firstNames = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy']

export class CaseContext {
  readonly encoding: Encoding
  /** All that the server speaks; `needs: ['both-encodings']` makes sure that it is both. */
  readonly encodings: readonly Encoding[]
  readonly seed: number
  /** From the seed; names and msgIds are fresh in every run nevertheless. */
  readonly random: Random
  readonly caps: readonly string[]
  readonly limits: Limits
  readonly heartbeat: Heartbeat
  /** Of one wait. */
  readonly timeoutMs: number
  readonly trace: Trace
  readonly target: Target
  /** Everything that the sessions of the case do and see, for the checker. */
  readonly history: HistoryRecorder
  /** Every connection of the case. */
  readonly sessions: Session[] = []
  /** Checks that were made on the way. */
  readonly checks: Checked[] = []
  /** What checks without a rule of their own are about; undefined means the first rule of the case. */
  rule: RuleId | undefined
  /** How much of what is generated is tried. */
  readonly profile: Profile
  readonly replayPath: string | undefined
  /** What a generated case was reduced to, if it failed. */
  reduced: Reduced | undefined
  readonly #options: ContextOptions
  readonly #forks = new Set<CaseContext>()
  readonly #secrets = new Set<string>()
  readonly #devices = new Map<string, number>()
  readonly #wires: Wire[] = []
  readonly #over = new AbortController()
  #users = 0

  constructor(options: ContextOptions) {
    const { target, contact } = options
    this.#options = options
    this.target = target
    this.encoding = options.encoding
    this.encodings = contact.encodings
    this.seed = options.seed
    this.random = Random.derive(options.seed, options.name)
    this.caps = target.capabilities ?? contact.capabilities
    this.limits = contact.limits
    this.heartbeat = contact.heartbeat
    this.timeoutMs = target.timeoutMs
    this.profile = options.profile ?? 'quick'
    this.replayPath = options.replayPath
    // One for each upgrade that is under way.
    setMaxListeners(0, this.#over.signal)
    this.trace = new Trace(this.#secrets)
    this.history = new HistoryRecorder(this.caps, () => this.trace.elapsedMs())
  }

  /** The one that this case is not run in. */
  get otherEncoding(): Encoding {
    return this.encoding === 'json' ? 'cbor' : 'json'
  }

  /** Milliseconds since the case began, on the clock of `arrivedAtMs` and of the trace. */
  elapsedMs(): number {
    return this.trace.elapsedMs()
  }

  // ---- users and tokens ----

  /** A user that nobody has met yet (or, if the target has only certain users, the next of them). */
  user(): User {
    const index = this.#users++
    const name = firstNames[index] ?? `user${index + 1}`
    const fixed = this.target.tokens.users
    if (!fixed) return { name, id: `${name}-${this.#fresh()}` }
    const id = fixed[index]
    if (id === undefined) throw new Finding(untestable(`it takes more than ${fixed.length} users`))
    return { name, id }
  }

  users(count: number): User[] {
    return Array.from({ length: count }, () => this.user())
  }

  /** A valid token; with `claims` (exp, nbf, aud, jti, …) one that replaces the usual claims. */
  async token(user: User, claims?: Claims): Promise<string> {
    const { tokens } = this.target
    if (claims && !tokens.canMint) throw new Finding(untestable('it takes the secret of the server'))
    const token = claims ? tokens.mint({ sub: user.id, ...claims }) : await tokens.issue(user.id)
    this.#secrets.add(token)
    return token
  }

  /** A group name that nobody used. */
  groupName(): string {
    return `g:group-${this.#fresh()}`
  }

  // ---- connections ----

  /**
   * A session after `hello`, `welcome` and `live`: of a new user, of this user, or of the user of another
   * session on a new device.
   * @throws Finding if the server does not let it in
   */
  connect(who: User | Session = this.user(), choices: ConnectChoices = {}): Promise<Session> {
    return quiet(this.#connect(who, choices))
  }

  async #connect(who: User | Session, choices: ConnectChoices): Promise<Session> {
    const { token, caps, network, heartbeat, resume, traceparent, ...rest } = choices
    const wanted = {
      ...(caps && { caps }),
      ...(network && { network }),
      ...(heartbeat && { heartbeat }),
      ...(resume && { resume }),
      ...(traceparent && { traceparent }),
    }
    const session = await this.open(who, rest)
    await session.hello({ token: token ?? (await this.token(session.user)), ...wanted })
    return session
  }

  /** Alice and Bob, strangers to everybody else. */
  async pair(choices: ConnectChoices = {}): Promise<[Session, Session]> {
    return Promise.all([this.connect(this.user(), choices), this.connect(this.user(), choices)])
  }

  /** Lets the server get to know a user, who is offline again afterwards. */
  async visit(user: User): Promise<void> {
    await (await this.connect(user)).close()
  }

  /** The same user and device again, on a new connection. */
  reconnect(session: Session, choices: ConnectChoices = {}): Promise<Session> {
    return this.connect(session.user, { deviceId: session.deviceId, encoding: session.encoding, ...choices })
  }

  /** A new group that all of them joined, the first being its owner. */
  async group(...members: [Session, ...Session[]]): Promise<string> {
    const [owner, ...others] = members
    const conv = this.groupName()
    await owner.join(conv)
    for (const member of others) {
      if (this.caps.includes('join=owner')) await owner.join(conv, member)
      else await member.join(conv)
    }
    return conv
  }

  /** A connection that has not said `hello`. @throws Finding if it is not let in */
  open(who: User | Session = this.user(), choices: OpenChoices = {}): Promise<Session> {
    return quiet(this.#open(who, choices))
  }

  async #open(who: User | Session, choices: OpenChoices): Promise<Session> {
    const {
      deviceId = `dev-${this.#fresh()}`,
      autoAck = true,
      autoPong = true,
      breaksRules = false,
      encoding = this.encoding,
    } = choices
    const user = who instanceof Session ? who.user : who
    const opened = await this.#upgrade(this.#label(user.name), choices)
    if (opened.kind !== 'open') throw new Finding(turnedAway(opened))
    const { wire } = opened
    const capabilities = this.target.capabilities
    const session = new Session({
      wire,
      encoding,
      user,
      deviceId,
      trace: this.trace,
      timeoutMs: this.timeoutMs,
      ...(capabilities && { capabilities }),
      observer: this.history,
    })
    session.autoAck = autoAck
    session.autoPong = autoPong
    session.breaksRules = breaksRules
    wire.autoPong = autoPong
    this.sessions.push(session)
    return session
  }

  /** An upgrade whose answer is the point. */
  async upgrade(choices: UpgradeChoices = {}): Promise<Upgrade> {
    return this.#upgrade(this.#label('stranger'), choices)
  }

  async #upgrade(label: string, choices: UpgradeChoices): Promise<Upgrade> {
    const { target } = this
    const { encoding = this.encoding, timeoutMs = this.timeoutMs, headers, ...rest } = choices
    const subs = [subprotocols[encoding]]
    const sent = { ...(target.origin && { Origin: target.origin }), ...headers }
    const { trace } = this
    const { url, insecure } = target
    const { signal } = this.#over
    const wanted = { url, insecure, timeoutMs, trace, label, subprotocols: subs, headers: sent, ...rest }
    const answer = await upgrade({ ...wanted, signal })
    if (answer.kind === 'open') this.#wires.push(answer.wire)
    // A case whose time is over may still be on its way to here.
    if (answer.kind === 'open' && signal.aborted) void answer.wire.dispose()
    return answer
  }

  // ---- the history of the case ----

  /** Fences every live session, and notes in the history that nothing is under way any more. */
  async settle(): Promise<void> {
    await Promise.all(this.sessions.filter(({ isLive }) => isLive).map((session) => session.fence()))
    this.history.quiet()
  }

  /** Reads a conversation from its beginning to its end, as the last word by which the history is judged. */
  async readBack(reader: Session, conv: string): Promise<Message[]> {
    this.history.isFinal = true
    const messages = await reader.wholeHistory(conv)
    this.history.isFinal = false
    return messages
  }

  // ---- around the server ----

  /** An HTTP request to the same server. */
  http(path: string, options: Partial<HttpOptions> = {}): Promise<HttpAnswer> {
    const { url, insecure } = this.target
    return requestHttp(httpUrl(url, path), { timeoutMs: this.timeoutMs, insecure, ...options })
  }

  /** The metrics, where the target says that they are, or else where SPEC.md has them. */
  metrics(): Promise<HttpAnswer> {
    const { timeoutMs, target } = this
    const { url = httpUrl(target.url, '/metrics').href, token } = target.hooks.metrics ?? {}
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    return requestHttp(new URL(url), { timeoutMs, insecure: target.insecure, headers })
  }

  /** Runs a hook of the target; `needs: ['hook:<name>']` makes sure that it is there. */
  async hook(name: HookName, values: Record<string, string> = {}): Promise<void> {
    const run = this.target.hooks.functions[name]
    if (!run) throw new Finding(untestable(`the target has no hook ${name}`))
    this.trace.add('', '-', `hook ${name}`)
    this.history.fault(name, 'start')
    await run(values)
    this.history.fault(name, 'stop')
  }

  // ---- trials ----

  /** The time of the case is over: what it opens now is closed at once. */
  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** A context of its own for one trial of a generated case: other users, another history, another trace. */
  fork(): CaseContext {
    const fork = new CaseContext(this.#options)
    this.#forks.add(fork)
    if (this.#over.signal.aborted) fork.#over.abort()
    return fork
  }

  // ---- verdicts ----

  /** From here on every check, and everything that goes wrong, is about this sentence. */
  about(rule: RuleId): void {
    this.rule = rule
  }

  /** A check on the way: the case ends here if it failed, and counts it if not. */
  check(checked: Checked): void {
    if (checked.verdict === 'fail') throw new Finding(checked)
    this.checks.push({ ...(this.rule !== undefined && { rule: this.rule }), ...checked })
  }

  /** Closes what the case left open; done when all of it is gone. */
  async end(): Promise<void> {
    this.#over.abort()
    await Promise.all([...this.#forks].map((fork) => fork.end()))
    this.#forks.clear()
    await Promise.all(this.#wires.map((wire) => wire.dispose()))
  }

  #fresh(): string {
    return `${this.#options.runTag}${this.#options.nextNumber().toString(36)}`
  }

  #label(name: string): string {
    const count = (this.#devices.get(name) ?? 0) + 1
    this.#devices.set(name, count)
    return `${name}/${count}`
  }
}
