// `npm run bench:server`: the reference server against bare uWebSockets.js, in one run on the same cores.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSync } from 'esbuild'
import { jsonCodec, subprotocols } from '../protocol/index.ts'
import { loadUws, mintToken } from '../server/index.ts'
import { type ChatLoad, group, pairs } from './chat-load.ts'
import { type ServerProcess, startProcess } from './process.ts'
import { type BenchSocket, frameOf, openSocket } from './socket.ts'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '15000' },
    only: { type: 'string', default: 'json,cbor,group,idle,storm' },
    out: { type: 'string', default: 'out/bench' },
  },
})
const rounds = Number(flags.rounds)
const windowMs = Number(flags.seconds) * 1000
const connections = Number(flags.connections)
const depth = 32
/** Connections that come and go before a storm is measured. */
const warmUp = 3_000
const members = 100
/** The same for the senders of a group: each of their messages becomes 99. */
const groupDepth = 16
const contentBytes = 200
const secret = 'bench-secret-that-is-not-one-0123456789'

/** One line of the table: what was measured, its control, the ratio (or difference) per round, and the goal. */
interface Row {
  name: string
  goal: string
  unit: string
  subject: number[]
  control: number[]
  compared: number[]
  reached: boolean
}

const scratch = mkdtempSync(join(tmpdir(), 'chatspec-bench-'))
const bareFile = join('out', 'bench', 'bare-uws.mjs')
buildSync({
  entryPoints: ['bench/bare-uws.ts'],
  outfile: bareFile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
  banner: {
    js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
  },
})

const bare = (): Promise<ServerProcess> => startProcess([bareFile])

let started = 0
function reference(): Promise<ServerProcess> {
  started += 1
  const unlimited = ['sendRatePerSecond', 'sendBurst', 'frameRatePerSecond', 'frameBurst'].flatMap((name) => [
    '--limit',
    `${name}=1000000000`,
  ])
  const args = [
    'dist/cli/main.js',
    'serve',
    '--port',
    '0',
    '--no-page',
    '--data-dir',
    join(scratch, `data-${started}`),
  ]
  return startProcess([...args, ...unlimited], { CHATSPEC_SECRET: secret })
}

function tokenOf(user: string): string {
  return mintToken({ secret, sub: user, expiresInSeconds: 86_400 }, Date.now())
}

/** CPU of the server per unit of work, in microseconds, over one window after a warm-up. */
async function cpuPer(server: ServerProcess, work: () => number): Promise<number> {
  await waitMs(windowMs / 3)
  const [cpu, done] = [server.cpuUs(), work()]
  await waitMs(windowMs)
  return (server.cpuUs() - cpu) / (work() - done)
}

async function withServer<T>(
  start: () => Promise<ServerProcess>,
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await start()
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/** The frame that a sender of the reference server writes, so that the control moves the same bytes. */
const likeFrame = frameOf(
  Buffer.from(
    jsonCodec.encode(
      {
        type: 'send',
        id: 1,
        msgId: '00000000-0000-4000-8000-000000000000',
        to: 'u00000000-00',
        content: 'x'.repeat(contentBytes),
      },
      0,
    ),
  ),
  1,
)

function measureEcho(): Promise<number> {
  return withServer(bare, async (server) => {
    let echoed = 0
    const sockets: BenchSocket[] = []
    for (let index = 0; index < members; index++) {
      const socket: BenchSocket = await openSocket({
        port: server.port,
        path: '/echo',
        onMessage: () => {
          echoed += 1
          socket.write(likeFrame)
        },
      })
      sockets.push(socket)
    }
    for (const socket of sockets) for (let n = 0; n < depth; n++) socket.write(likeFrame)
    const result = await cpuPer(server, () => echoed)
    for (const socket of sockets) socket.close()
    return result
  })
}

/**
 * Every connection is subscribed; `senders` of them publish, each when it has seen one message of every other. Larger
 * bursts made the control slower, so this is the pace at which `publish` is at its best.
 */
function measurePublish(senders: number): Promise<number> {
  return withServer(bare, async (server) => {
    let delivered = 0
    const sockets: BenchSocket[] = []
    for (let index = 0; index < members; index++) {
      let seen = 0
      const socket: BenchSocket = await openSocket({
        port: server.port,
        path: '/publish',
        onMessage: () => {
          delivered += 1
          seen += 1
          if (index < senders && seen % (senders - 1) === 0) socket.write(likeFrame)
        },
      })
      sockets.push(socket)
    }
    for (const socket of sockets.slice(0, senders)) socket.write(likeFrame)
    const result = await cpuPer(server, () => delivered)
    for (const socket of sockets) socket.close()
    return result
  })
}

function measureChat(
  encoding: 'json' | 'cbor',
  start: (plan: Parameters<typeof pairs>[0]) => Promise<ChatLoad>,
): Promise<number> {
  return withServer(reference, async (server) => {
    const load = await start({ port: server.port, encoding, tokenOf, contentBytes, depth })
    const result = await cpuPer(server, load.delivered)
    load.stop()
    return result
  })
}

/** Opens sockets, 200 at a time; `hello` decides whether each says hello and waits for `live`. */
async function storm(
  server: ServerProcess,
  path: string,
  { count, hello, name }: { count: number; hello: boolean; name: string },
): Promise<{ cpuUs: number; close: () => void }> {
  const tokens = Array.from({ length: hello ? count : 0 }, (_, index) => tokenOf(`${name}-${index}`))
  const sockets: BenchSocket[] = []
  const before = server.cpuUs()
  let next = 0
  async function worker(): Promise<void> {
    while (next < count) {
      const index = next
      next += 1
      sockets.push(await openOne(server.port, path, tokens[index]))
    }
  }
  await Promise.all(Array.from({ length: 200 }, worker))
  return {
    cpuUs: (server.cpuUs() - before) / count,
    close: () => {
      for (const socket of sockets) socket.close()
    },
  }
}

async function openOne(port: number, path: string, token: string | undefined): Promise<BenchSocket> {
  let isLive: () => void = () => undefined
  const live = new Promise<void>((resolve) => {
    isLive = resolve
  })
  const onMessage = (data: Buffer, start: number, end: number): void => {
    if (data.toString('latin1', start, end).startsWith('{"type":"live"')) isLive()
  }
  const protocol = token === undefined ? {} : { protocol: subprotocols.json }
  const socket = await openSocket({ port, path, ...protocol, onMessage })
  if (token === undefined) return socket
  const hello = jsonCodec.encode({ type: 'hello', id: 1, token, deviceId: 'phone', network: 'lan' }, 0)
  socket.write(frameOf(Buffer.from(hello), 1))
  await live
  return socket
}

/** Resident bytes per idle connection, after the process has come to rest. */
async function measureIdle(
  start: () => Promise<ServerProcess>,
  path: string,
  hello: boolean,
): Promise<{ rss: number; cpuUs: number }> {
  return withServer(start, async (server) => {
    // A storm meets a server that has been up for a while: code is compiled, buffers have their size.
    const warm = await storm(server, path, { count: warmUp, hello, name: 'warm' })
    warm.close()
    const before = await restingRss(server)
    const first = await storm(server, path, { count: connections, hello, name: 'storm' })
    const rss = ((await restingRss(server)) - before) / connections
    first.close()
    await restingRss(server)
    // The storm that counts is the return of everybody: the users are known by now.
    const again = await storm(server, path, { count: connections, hello, name: 'storm' })
    again.close()
    return { rss, cpuUs: again.cpuUs }
  })
}

async function restingRss(server: ServerProcess): Promise<number> {
  let last = server.rssBytes()
  for (let turn = 0; turn < 40; turn++) {
    await waitMs(250)
    const now = server.rssBytes()
    if (Math.abs(now - last) < 64 * 1024) return now
    last = now
  }
  return last
}

function waitMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

async function ratioRow(
  name: string,
  most: number,
  measure: { subject: () => Promise<number>; control: () => Promise<number> },
): Promise<Row> {
  const row: Row = {
    name,
    goal: `at most ${most} x`,
    unit: 'us CPU',
    subject: [],
    control: [],
    compared: [],
    reached: false,
  }
  for (let round = 0; round < rounds; round++) {
    // Alternating, and the order too: a drift of the machine hits both.
    const first = round % 2 === 0
    const a = first ? await measure.subject() : await measure.control()
    const b = first ? await measure.control() : await measure.subject()
    const [subject, control] = first ? [a, b] : [b, a]
    row.subject.push(subject)
    row.control.push(control)
    row.compared.push(subject / control)
    process.stderr.write(
      `${name}, round ${round + 1}/${rounds}: ${subject.toFixed(2)} / ${control.toFixed(2)} = ${(subject / control).toFixed(2)}\n`,
    )
  }
  row.reached = median(row.compared) <= most
  return row
}

async function connectionRows(wanted: readonly string[]): Promise<Row[]> {
  const idle: Row = {
    name: 'RSS per idle session over a bare socket',
    goal: 'at most 3 KiB more',
    unit: 'KiB',
    subject: [],
    control: [],
    compared: [],
    reached: false,
  }
  const storms: Row = {
    name: `CPU per authenticated connection, storm of ${connections}`,
    goal: 'at most 2.5 x',
    unit: 'us CPU',
    subject: [],
    control: [],
    compared: [],
    reached: false,
  }
  for (let round = 0; round < rounds; round++) {
    const subject = await measureIdle(reference, '/ws', true)
    const control = await measureIdle(bare, '/echo', false)
    idle.subject.push(subject.rss / 1024)
    idle.control.push(control.rss / 1024)
    idle.compared.push((subject.rss - control.rss) / 1024)
    storms.subject.push(subject.cpuUs)
    storms.control.push(control.cpuUs)
    storms.compared.push(subject.cpuUs / control.cpuUs)
    process.stderr.write(
      `storm and idle, round ${round + 1}/${rounds}: ${storms.compared.at(-1)?.toFixed(2)} x, ${idle.compared.at(-1)?.toFixed(2)} KiB\n`,
    )
  }
  idle.reached = median(idle.compared) <= 3
  storms.reached = median(storms.compared) <= 2.5
  return [...(wanted.includes('idle') ? [idle] : []), ...(wanted.includes('storm') ? [storms] : [])]
}

async function run(): Promise<void> {
  const wanted = flags.only.split(',')
  const rows: Row[] = []
  const direct = (encoding: 'json' | 'cbor') => () => measureChat(encoding, (plan) => pairs(plan, members))
  if (wanted.includes('json')) {
    rows.push(
      await ratioRow('durable 1:1 message, JSON, over bare echo', 6, {
        subject: direct('json'),
        control: measureEcho,
      }),
    )
  }
  if (wanted.includes('cbor')) {
    rows.push(
      await ratioRow('durable 1:1 message, CBOR, over bare echo', 5, {
        subject: direct('cbor'),
        control: measureEcho,
      }),
    )
  }
  if (wanted.includes('group')) {
    const senders = 10
    const subject = () =>
      measureChat('json', (plan) => group({ ...plan, depth: groupDepth }, members, senders))
    const control = () => measurePublish(senders)
    rows.push(await ratioRow('delivery in a group of 100, over bare publish', 1.5, { subject, control }))
  }
  if (wanted.includes('idle') || wanted.includes('storm')) rows.push(...(await connectionRows(wanted)))
  report(rows)
}

function report(rows: readonly Row[]): void {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${arch()}, Node ${process.versions.node}, ${loadUws().build}`
  const lines = [
    `Machine: ${machine}. ${rounds} alternating rounds of ${windowMs / 1000} s; ${members} connections, ${depth} sends in flight each, ${contentBytes} B content. Median (min to max).`,
    '',
    '| | subject | control | compared | goal | |',
    '|---|---:|---:|---:|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.name} | ${spread(row.subject)} ${row.unit} | ${spread(row.control)} ${row.unit} | ${spread(row.compared)} | ${row.goal} | ${row.reached ? 'reached' : '**missed**'} |`,
    ),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  mkdirSync(flags.out, { recursive: true })
  writeFileSync(
    join(flags.out, 'server.json'),
    `${JSON.stringify({ schemaVersion: 1, machine, rounds, windowMs, members, depth, contentBytes, connections, rows }, null, 2)}\n`,
  )
  writeFileSync(join(flags.out, 'server.md'), `${lines.join('\n')}\n`)
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`
}

try {
  await run()
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
