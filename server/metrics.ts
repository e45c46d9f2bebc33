// What `/metrics` says, in the text format of Prometheus.
import { createRequire } from 'node:module'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Buckets, Counters } from './counters.ts'

export { Counters, type ResumeOutcome } from './counters.ts'

/** What is read at the moment of asking. */
export interface MetricsSource {
  readonly counters: Counters
  readonly log: { readonly kind: string }
  readonly sessions: ReadonlySet<{
    /** Undefined before `welcome`. */
    readonly user: object | undefined
    readonly socket: { bufferedBytes(): number }
  }>
  readonly users: { readonly size: number }
  readonly conversations: { readonly size: number }
}

/** @param uwsBuild What `loadUws` said. */
export function createMetrics(source: MetricsSource, uwsBuild: string): () => Promise<string> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const { counters } = source
  addGauges(registry, source)
  addCounter(
    registry,
    'messages_accepted',
    'Messages stored and answered with sent.',
    () => counters.accepted,
  )
  addCounter(registry, 'messages_delivered', 'Messages handed to sockets.', () => counters.delivered)
  addCounter(registry, 'duplicates', 'Repeated sends that were recognised.', () => counters.duplicates)
  addCounter(
    registry,
    'failures',
    'Frames and replays that the server failed to handle; its log says why.',
    () => counters.failures,
  )
  addCounter(registry, 'dropped', 'Frames that the socket layer threw away.', () => counters.dropped)
  addCounterBy(registry, 'rule', ['refusals', 'Frames that break a rule.'], () => counters.refusals)
  addCounterBy(registry, 'code', ['errors', 'Error frames sent.'], () => counters.errors)
  addCounterBy(registry, 'code', ['closes', 'Connections closed by the server.'], () => counters.closes)
  addCounterBy(registry, 'outcome', ['resumes', 'Sessions that asked to resume.'], () =>
    Object.entries(counters.resumes),
  )
  addBuildInfo(registry, { version: packageVersion(), uws: uwsBuild, log: source.log.kind })
  return async () =>
    [
      (await registry.metrics()).trimEnd(),
      histogram('commit_seconds', 'Time from the start of a commit to its end.', counters.commitSeconds),
      histogram('commit_messages', 'Messages in one commit.', counters.commitMessages),
      '',
    ].join('\n\n')
}

function addGauges(registry: Registry, { sessions, users, conversations }: MetricsSource): void {
  addGauge(registry, 'connections', 'Open WebSocket connections.', () => sessions.size)
  addGauge(registry, 'sessions', 'Connections after welcome.', () => {
    let count = 0
    for (const { user } of sessions) if (user !== undefined) count += 1
    return count
  })
  addGauge(registry, 'users', 'Users with at least one session.', () => users.size)
  addGauge(registry, 'conversations', 'Conversations in memory.', () => conversations.size)
  addGauge(registry, 'buffered_bytes', 'Bytes that wait in user space for slow readers.', () => {
    let bytes = 0
    for (const { socket } of sessions) bytes += socket.bufferedBytes()
    return bytes
  })
}

function addGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name: `chatspec_${name}`,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

function addCounter(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name: `chatspec_${name}_total`,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}

function addCounterBy(
  registry: Registry,
  label: string,
  [name, help]: readonly [name: string, help: string],
  read: () => Iterable<readonly [string | number, number]>,
): void {
  new Counter({
    name: `chatspec_${name}_total`,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset()
      for (const [value, count] of read()) this.inc({ [label]: value }, count)
    },
  })
}

function addBuildInfo(registry: Registry, labels: Record<string, string>): void {
  const help = 'What runs: version, uWebSockets.js build, message log. Always 1.'
  const labelNames = Object.keys(labels)
  new Gauge({ name: 'chatspec_build_info', help, labelNames, registers: [registry] }).set(labels, 1)
}

/** Written out here, because prom-client can only fill a histogram value by value. */
function histogram(name: string, help: string, { bounds, counts, sum }: Buckets): string {
  const full = `chatspec_${name}`
  const lines = [`# HELP ${full} ${help}`, `# TYPE ${full} histogram`]
  let count = 0
  for (const [index, bound] of [...bounds, '+Inf'].entries()) {
    count += counts[index] ?? 0
    lines.push(`${full}_bucket{le="${bound}"} ${count}`)
  }
  return [...lines, `${full}_sum ${sum}`, `${full}_count ${count}`].join('\n')
}

/** By the package's own name, which resolves alike from source and from dist. */
function packageVersion(): string {
  const manifest: { version: string } = createRequire(import.meta.url)('chatspec/package.json')
  return manifest.version
}
