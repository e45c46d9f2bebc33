// Connections that come and go by the thousand: what the server keeps for somebody, it gives back when they are gone.
import { expect, it } from 'vitest'
import { Random } from '../conformance/random.ts'
import { encodeFrame, opcodes } from '../conformance/ws-frames.ts'
import { encodings, generousLimits, sendTo } from './testing/endpoint.ts'
import { limitFlags, type ServerProcess, serve } from './testing/process.ts'
import { scratchDirectory } from './testing/scratch.ts'
import type { Client } from './testing/socket.ts'
import { until } from './testing/until.ts'

interface Figures {
  heapBytes: number
  ownBytes: number
  openFiles: number
  held: [name: string, count: number | undefined][]
}

const caps = ['presence', 'receipts']
const batch = 100
const warmUp = 20
const batches = 50
/** LEK-01: of the heap exactly; pages that the allocator keeps for itself come and go. */
const tolerance = 1.1
const allocatorBytes = 8 * 1024 * 1024

/** Everything that a connection can leave in the server itself; messages and memberships stay in the log. */
const held = ['connections', 'sessions', 'users', 'conversations', 'buffered_bytes'].map(
  (name) => `chatspec_${name}`,
)

it(`${batches * batch} connections leave no session, user, conversation, descriptor or memory behind`, {
  timeout: 120_000,
}, async () => {
  const server = await serve([
    '--data-dir',
    scratchDirectory(),
    '--log-level',
    'silent',
    ...limitFlags(generousLimits),
  ])
  const random = new Random(1)
  for (let n = 0; n < warmUp; n++) await comeAndGo(server, random, 0.7)
  const before = await settled(server)
  // Few of them send: what is stored is remembered for as long as repeats must be recognised, and that is no leak.
  for (let n = 0; n < batches; n++) await comeAndGo(server, random, 0.1)
  const after = await settled(server, before)
  console.log(`churn: ${batches * batch} connections; ${JSON.stringify({ before, after })}`)
  expect(after.held).toEqual(held.map((name) => [name, 0]))
  expect(after.openFiles).toBeLessThanOrEqual(before.openFiles + 2)
  expect(after.heapBytes).toBeLessThanOrEqual(most(before).heapBytes)
  expect(after.ownBytes).toBeLessThanOrEqual(most(before).ownBytes)
})

/** The figures when nothing is held any more and memory is as it was before; or those of the deadline. */
async function settled(server: ServerProcess, before?: Figures): Promise<Figures> {
  let figures = await measure(server)
  const look = async (): Promise<true | undefined> => {
    figures = await measure(server)
    if (figures.held.some(([, count]) => count !== 0)) return undefined
    if (before === undefined) return true
    return (
      (figures.heapBytes <= most(before).heapBytes && figures.ownBytes <= most(before).ownBytes) || undefined
    )
  }
  await until('nothing held', look, 10_000).catch(() => undefined)
  return figures
}

function most({ heapBytes, ownBytes }: Figures): Pick<Figures, 'heapBytes' | 'ownBytes'> {
  return { heapBytes: heapBytes * tolerance, ownBytes: ownBytes * tolerance + allocatorBytes }
}

/** A batch of connections with everything that leaves traces, ended in every way there is. */
async function comeAndGo(server: ServerProcess, random: Random, busyShare: number): Promise<void> {
  const going = Array.from({ length: batch }, async (_, index) => {
    const user = `u${index >> 1}`
    const client = await server.connect({ encoding: encodings[index % 2] ?? 'json' })
    client.acksAll = true
    // Some never say hello, some leave while they are being answered.
    const way = random.integer(0, 9)
    const hello = way === 0 ? undefined : server.hello(client, user, { deviceId: `d${index & 1}`, caps })
    if (way === 1) hello?.catch(() => undefined)
    else await hello
    if (way > 1 && random.fraction() < busyShare) await beBusy(client, index)
    leave(client, random.integer(0, 4))
    await client.over()
  })
  await Promise.all(going)
  await until('the end of all connections', async () =>
    (await server.metric('chatspec_connections')) === 0 ? true : undefined,
  )
}

async function beBusy(client: Client, index: number): Promise<void> {
  await client.request({ type: 'join', id: 0, conv: `g:${index % 10}` })
  await client.request(sendTo(`g:${index % 10}`, 'hi'))
  await client.request(sendTo(`u${(index + 2) % 20}`, 'x'.repeat(200)))
  await client.request({ type: 'leave', id: 0, conv: `g:${index % 10}` })
}

function leave(client: Client, way: number): void {
  if (way === 0) client.send({ type: 'bye', code: 1000, reason: 'done', reconnect: 'never' })
  else if (way === 1) client.close()
  else if (way === 2) client.socket.resetAndDestroy()
  else if (way === 3) client.sendPayload('no frame')
  else {
    client.write(
      encodeFrame({ opcode: opcodes.text, payload: Buffer.from('{'), declaredBytes: 100 }).subarray(0, 4),
    )
    client.destroy()
  }
}

async function measure(server: ServerProcess): Promise<Figures> {
  server.collectGarbage()
  const metrics = await server.metrics()
  return {
    heapBytes: metrics.get('nodejs_heap_size_used_bytes') ?? Number.NaN,
    ownBytes: server.ownBytes(),
    openFiles: server.openFiles(),
    held: held.map((name) => [name, metrics.get(name)]),
  }
}
