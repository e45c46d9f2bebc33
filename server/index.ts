// The reference server of chatspec/1.
import { createCborCodec } from '../protocol/index.ts'
import { createAuthenticator } from './auth.ts'
import { announceDrain, closeAll } from './drain.ts'
import { sweep, sweepIntervalMs } from './heartbeats.ts'
import { serveHttp } from './http.ts'
import { Hub } from './hub.ts'
import { loadUws } from './load-uws.ts'
import type { LogOptions, MessageLog, RecordKey, RecordValue } from './log.ts'
import { openLmdbLog } from './log-lmdb.ts'
import { createMemoryLog } from './log-memory.ts'
import type { Logger } from './logger.ts'
import { Counters, createMetrics } from './metrics.ts'
import { resolveOptions, type ServerOptionsInput } from './options.ts'
import { createRevocations } from './revocations.ts'
import { createSessionIds } from './session-ids.ts'
import { createTransport, serveSockets, type Transport } from './transport.ts'
import { nodeUtf8 } from './utf8-node.ts'

export { loadUws } from './load-uws.ts'
export { createLogger, type Logger } from './logger.ts'
export { jwtAlgorithms, resolveOptions, type ServerOptions, type ServerOptionsInput } from './options.ts'
export { mintToken } from './token.ts'
export { nodeUtf8 } from './utf8-node.ts'

export interface RunningServer {
  /** Where WebSockets are accepted, e.g. `ws://127.0.0.1:8080/ws`. */
  url: string
  port: number
  /** The uWebSockets.js build that serves, and the log that stores. */
  build: string
  log: string
  /** Announces the end, answers for the grace, closes everything with 1012, and commits what is pending. */
  drain(): Promise<void>
  /** The same without the grace; also ends the grace of a drain that is under way. */
  close(): Promise<void>
}

const revocationsKey: RecordKey = ['revocations']

/** How often acks are handed to the log: what is lost in a crash is only repeated. */
const savePositionsMs = 200

/** What still waits for slow readers at the end leaves within this time: with the process it would be lost. */
const lingerMs = 3_000
/** For peers that only have to read the last frames. */
const lingerReadMs = 1_000

/** @throws ChatspecError `BAD_OPTION`, `UWS_MISSING`, `LISTEN_FAILED`, or what the log says about its directory. */
export async function startServer(input: ServerOptionsInput, logger: Logger): Promise<RunningServer> {
  const options = resolveOptions(input)
  const { uws, build } = loadUws()
  const now = Date.now
  const auth = await createAuthenticator(options.jwt, now, (cause) =>
    logger.warn({ err: cause }, 'keys could not be read'),
  )
  const counters = new Counters()
  const transport = createTransport(uws, options, counters)
  const logOptions: LogOptions = { dedupWindowMs: options.limits.dedupWindowMs, now }
  const log: MessageLog =
    options.dataDir === undefined
      ? createMemoryLog(logOptions)
      : await openLmdbLog(options.dataDir, logOptions)
  const revocations = createRevocations(now)
  revocations.load(log.getRecord(revocationsKey))
  const hub = new Hub({
    options,
    log,
    auth,
    revocations,
    counters,
    logger,
    cbor: createCborCodec(nodeUtf8),
    broadcaster: transport.broadcaster,
    now,
    random: Math.random,
    sessionId: createSessionIds(),
  })
  log.onCommit(({ answers, seconds }) => {
    counters.countCommit(answers, seconds)
    transport.outboxes.flush()
  })
  serveSockets(transport, hub)
  const metrics = createMetrics(hub, build)
  serveHttp({
    app: transport.app,
    hub,
    metrics,
    async revoke(target) {
      hub.revoke(target)
      await stored(log, revocationsKey, revocations.toRecord())
    },
  })
  const port = await listenOrClose(transport, log)
  const sweeping = setInterval(() => {
    transport.outboxes.begin()
    sweep(hub)
    transport.outboxes.flush()
  }, sweepIntervalMs)
  const saving = setInterval(() => hub.savePositions(), savePositionsMs)
  const limiting = setInterval(() => hub.limiter.sweep(now()), 10_000)

  let ending: Promise<void> | undefined
  let graceEndsMs = 0
  let isForced = false
  async function end(graceMs: number): Promise<void> {
    graceEndsMs = performance.now() + graceMs
    announceDrain(hub, graceMs)
    await until(() => hub.sessions.size === 0 || performance.now() >= graceEndsMs)
    const lingerEndsMs = performance.now() + lingerTimeMs(hub)
    closeAll(hub)
    transport.stop()
    for (const timer of [sweeping, saving, limiting]) clearInterval(timer)
    hub.savePositions()
    await log.close()
    await until(() => isForced || performance.now() >= lingerEndsMs)
  }
  const scheme = options.tls === undefined ? 'ws' : 'wss'
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  for (const loss of log.recovery) logger.warn({ loss }, 'the log was damaged')
  logger.info({ build, log: log.kind, durability: log.durability, port }, 'listening')
  return {
    url: `${scheme}://${host}:${port}/ws`,
    port,
    build,
    log: log.kind,
    drain: () => {
      ending ??= end(options.drainGraceMs)
      return ending
    },
    close: () => {
      graceEndsMs = 0
      isForced = ending !== undefined
      ending ??= end(0)
      return ending
    },
  }
}

/** The directory of the log is free again for whoever tries next. */
async function listenOrClose(transport: Transport, log: MessageLog): Promise<number> {
  try {
    return transport.listen()
  } catch (cause) {
    await log.close()
    throw cause
  }
}

function stored(log: MessageLog, key: RecordKey, value: RecordValue): Promise<void> {
  return new Promise((resolve, reject) => {
    log.putRecord(key, value, (failure) => (failure === undefined ? resolve() : reject(failure)))
  })
}

/** An ended process resets its connections, and a reset takes from the peer what it has not read yet. */
function lingerTimeMs(hub: Hub): number {
  for (const session of hub.sessions) if (session.socket.bufferedBytes() > 0) return lingerMs
  return hub.sessions.size > 0 ? lingerReadMs : 0
}

function until(isTrue: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (isTrue()) resolve()
      else setTimeout(check, 25)
    }
    check()
  })
}
