// `chatspec serve`: the reference server, from flags to a stop by signal.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { ChatspecError, defaultLimits, type Limits } from '../../protocol/index.ts'
import type { RunningServer, ServerOptions, ServerOptionsInput } from '../../server/index.ts'
import { exitCodes } from '../exit.ts'
import { findStrongSecret, makeSecret, type Secret, secretVariable } from '../secret.ts'
import { collect, durationMs, integer, limit, listOf, sizeBytes } from '../values.ts'

export const defaultDataDir = 'chatspec-data'
export const adminTokenVariable = 'CHATSPEC_ADMIN_TOKEN'
type Algorithms = NonNullable<ServerOptions['jwt']['algorithms']>
const algorithms = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const satisfies Algorithms
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

interface ServeFlags {
  host: string
  port: number
  dataDir: string
  memory?: true
  secretFile?: string
  jwks?: string
  algorithms?: Algorithms
  audience?: string
  issuer?: string
  leeway?: number
  origin?: string[]
  limit?: Partial<Limits>
  heartbeatMin?: number
  heartbeatMax?: number
  groupJoin: ServerOptions['groupJoin']
  presence: boolean
  receipts: boolean
  drainGrace?: number
  tlsCert?: string
  tlsKey?: string
  maxBuffered?: number
  page: boolean
  logLevel: (typeof logLevels)[number]
}

const more = `
Secret: read from --secret-file, else from ${secretVariable}, else from the file "secret" in the data directory; if there
is none, a random one is made there, readable by its owner only. With --jwks there is no secret.
Limits, with their defaults; times and sizes take units: ${Object.entries(defaultLimits)
  .map(([name, value]) => `${name}=${value}`)
  .join(', ')}.
Admin: with ${adminTokenVariable} in the environment, POST /admin/revoke takes {"sub": …} or {"jti": …} with that token.
Stop: SIGTERM or SIGINT tells the clients, answers them for --drain-grace, and closes; a second one closes at once.
The log is JSON lines on stdout; notes for people are on stderr.

Examples:
  $ chatspec serve --port 9000 --data-dir /var/lib/chatspec
  $ chatspec serve --memory --limit window=64 --limit ackTimeoutMs=10s
  $ chatspec serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem --origin https://chat.example --jwks jwks.json`

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .summary('run the reference server')
    .description(
      'Serves chatspec/1 at /ws, a chat page at /, and /healthz, /readyz, /metrics, /.well-known/chatspec.',
    )
  addListening(command)
  addIdentity(command)
  addPromises(command)
  command
    .addOption(
      new Option('--log-level <level>', 'least level that is logged').choices(logLevels).default('info'),
    )
    .addHelpText('after', more)
    .action(async (flags: ServeFlags) => {
      await serve(flags)
      // Browsers and monitors keep idle HTTP connections open, which must not hold up a stop.
      process.exit(exitCodes.good)
    })
}

function addListening(command: Command): void {
  command
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', integer(0, 65_535), 8_080)
    .option('--tls-cert <file>', 'certificate chain in PEM; with --tls-key')
    .option('--tls-key <file>', 'private key in PEM; with --tls-cert')
    .option('--data-dir <dir>', 'where messages and the secret are kept', defaultDataDir)
    .addOption(new Option('--memory', 'keep messages in memory only').conflicts('dataDir'))
    .option('--no-page', 'do not serve the chat page at /')
}

function addIdentity(command: Command): void {
  command
    .addOption(
      new Option('--secret-file <file>', 'secret of HS256, at least 32 characters').conflicts('jwks'),
    )
    .option('--jwks <file|url>', 'public keys of RS256, ES256 and EdDSA as a JWK set')
    .option('--algorithms <names>', `of ${algorithms.join(', ')}: these only`, listOf(algorithms))
    .option('--audience <aud>', 'tokens must name this audience')
    .option('--issuer <iss>', 'tokens must name this issuer')
    .option('--leeway <duration>', 'tolerance for clocks in tokens, at most 30s (default: 5s)', durationMs)
    .option('--origin <origin>', 'browsers may connect from here; repeatable, * allows all', collect)
}

function addPromises(command: Command): void {
  command
    .option('--limit <name=value>', 'a limit that welcome announces; repeatable', limit)
    .option('--heartbeat-min <duration>', 'shortest interval granted (default: 1s)', durationMs)
    .option('--heartbeat-max <duration>', 'longest interval granted (default: 5m)', durationMs)
    .addOption(
      new Option('--group-join <who>', 'who may join a group: anybody, or whom its owner adds')
        .choices(['open', 'owner'])
        .default('open'),
    )
    .option('--no-presence', 'do not offer presence')
    .option('--no-receipts', 'do not offer receipts')
    .option(
      '--drain-grace <duration>',
      'time between the notice of a stop and the stop (default: 5s)',
      durationMs,
    )
    .option(
      '--max-buffered <size>',
      'bytes that may wait for one slow reader (default, and least: a full window)',
      sizeBytes,
    )
}

/** Runs until a signal. */
async function serve(flags: ServeFlags): Promise<void> {
  const scratch =
    flags.memory && flags.jwks === undefined ? mkdtempSync(join(tmpdir(), 'chatspec-')) : undefined
  try {
    const secret = flags.jwks === undefined ? secretFor(flags, scratch ?? flags.dataDir) : undefined
    const server = await start(flags, secret)
    announce(server, secret, flags)
    await stopOnSignal(server)
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true })
  }
}

function secretFor(flags: ServeFlags, dataDir: string): Secret {
  return findStrongSecret({ secretFile: flags.secretFile, dataDir, env: process.env }) ?? makeSecret(dataDir)
}

/** @throws ChatspecError that names the flag instead of the option. */
async function start(flags: ServeFlags, secret: Secret | undefined): Promise<RunningServer> {
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new ChatspecError(
      'BAD_OPTION',
      'only one of --tls-cert and --tls-key is given; allowed: both or none',
    )
  }
  // Loaded now, because the other commands must work where its native parts do not.
  const { createLogger, startServer } = await import('../../server/index.ts')
  try {
    return await startServer(toOptions(flags, secret), createLogger(flags.logLevel))
  } catch (error) {
    throw error instanceof ChatspecError
      ? new ChatspecError(error.code, nameFlags(error.message), { cause: error })
      : error
  }
}

function toOptions(flags: ServeFlags, secret: Secret | undefined): ServerOptionsInput {
  const adminToken = process.env[adminTokenVariable]
  const pageDir = flags.page ? findPage() : undefined
  return {
    host: flags.host,
    port: flags.port,
    groupJoin: flags.groupJoin,
    presence: flags.presence,
    receipts: flags.receipts,
    jwt: {
      ...(secret !== undefined && { secret: secret.value }),
      ...(flags.jwks !== undefined && { jwks: flags.jwks }),
      ...(flags.algorithms !== undefined && { algorithms: flags.algorithms }),
      ...(flags.audience !== undefined && { audience: flags.audience }),
      ...(flags.issuer !== undefined && { issuer: flags.issuer }),
      ...(flags.leeway !== undefined && { leewaySeconds: flags.leeway / 1000 }),
    },
    heartbeat: {
      ...(flags.heartbeatMin !== undefined && { minIntervalMs: flags.heartbeatMin }),
      ...(flags.heartbeatMax !== undefined && { maxIntervalMs: flags.heartbeatMax }),
    },
    ...(!flags.memory && { dataDir: flags.dataDir }),
    ...(flags.tlsCert !== undefined &&
      flags.tlsKey !== undefined && { tls: { certFile: flags.tlsCert, keyFile: flags.tlsKey } }),
    ...(flags.origin !== undefined && { origins: flags.origin }),
    ...(flags.limit !== undefined && { limits: flags.limit }),
    ...(flags.drainGrace !== undefined && { drainGraceMs: flags.drainGrace }),
    ...(flags.maxBuffered !== undefined && { maxBufferedBytes: flags.maxBuffered }),
    ...(adminToken !== undefined && { adminToken }),
    ...(pageDir !== undefined && { pageDir }),
  }
}

/** The built page; a checkout that was not built has none. */
function findPage(): string | undefined {
  const folder = fileURLToPath(new URL('../../client/page/', import.meta.url))
  return existsSync(join(folder, 'page.js')) ? folder : undefined
}

/** `limits.window is 0; …` becomes `--limit window is 0; …`. */
export function nameFlags(message: string): string {
  return message
    .replace(/^limits\./, '--limit ')
    .replace(/^jwt\.secret\b/, 'the secret')
    .replace(/^jwt\.leewaySeconds\b/, '--leeway, in seconds,')
    .replace(/^heartbeat\.minIntervalMs\b/, '--heartbeat-min, in milliseconds,')
    .replace(/^heartbeat\.maxIntervalMs\b/, '--heartbeat-max, in milliseconds,')
    .replace(/^drainGraceMs\b/, '--drain-grace, in milliseconds,')
    .replace(/^maxBufferedBytes\b/, '--max-buffered, in bytes,')
}

function announce(server: RunningServer, secret: Secret | undefined, flags: ServeFlags): void {
  const where = flags.memory ? '' : `, in ${flags.dataDir}`
  const lines = [`listening on ${server.url} (log ${server.log}${where}; ${server.build})`]
  if (flags.page && findPage() !== undefined)
    lines.push(`page: ${server.url.replace(/^ws/, 'http').replace(/ws$/, '')}`)
  if (secret !== undefined)
    lines.push(`secret: ${secret.origin}`, `a token: chatspec token --sub alice${tokenFlags(secret, flags)}`)
  for (const line of lines) process.stderr.write(`chatspec: ${line}\n`)
}

/** What `chatspec token`, run in the same folder, needs to find the same secret. */
function tokenFlags(secret: Secret, flags: ServeFlags): string {
  if (secret.file === undefined) return ''
  if (flags.secretFile !== undefined || flags.memory) return ` --secret-file ${secret.file}`
  return flags.dataDir === defaultDataDir ? '' : ` --data-dir ${flags.dataDir}`
}

/** Resolves when the server has stopped. */
async function stopOnSignal(server: RunningServer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let signals = 0
    const stop = (): void => {
      signals++
      if (signals === 1) process.stderr.write('chatspec: draining; once more to stop at once\n')
      const stopped = signals === 1 ? server.drain() : server.close()
      stopped.then(resolve, reject)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
