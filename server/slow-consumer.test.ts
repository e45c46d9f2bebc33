// A reader that has stopped reading: it costs bounded memory, is closed with 4003, and nobody else notices.
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodings, generousLimits, sendTo } from './testing/endpoint.ts'
import { limitFlags, type ServerProcess, serve } from './testing/process.ts'
import type { Client } from './testing/socket.ts'
import { until } from './testing/until.ts'

const group = 'g:slow'
/** The default: a full window of the largest messages. */
const maxBufferedBytes = 256 * (16_384 + 1_024)
const flags = ['--memory', ...limitFlags({ ...generousLimits, ackTimeoutMs: 1_500 })]
const sampleMs = 20
/** Beyond what the kernel takes for one connection on both sides of the loopback, about 10 MB. */
const flood = { count: 1_500, content: 'x'.repeat(16_384) }
/** The log itself, then windows, buffers and garbage: less than one copy of the flood more. */
const boundBytes = flood.count * flood.content.length + 32 * 1024 * 1024

describe.each(encodings)('a frozen reader in %s', (encoding) => {
  it.each([
    ['small messages', { count: 3_000, content: 'hi' }],
    ['messages of 16 KiB', flood],
  ])(
    'of a group with %s is closed with 4003, the others get all in order, and it does after its return',
    async (_what, load) => {
      const { server, writer, readers, watch } = await busyGroup()
      const frozen = await member(server, 'frozen', encoding)
      frozen.acksAll = false
      frozen.socket.pause()
      await talk(writer, load)
      await expectAll(readers, load.count)
      await until('the close with 4003', async () => closedAs(await server.metrics(), 4003))
      expect(await server.metric('chatspec_connections')).toBe(1 + readers.length)
      expectBounded(await watch())

      frozen.socket.resume()
      expect(await frozen.over()).toMatchObject({ code: 4003, bye: { code: 4003, reconnect: 'backoff' } })
      expect(frozen.of('msg').length).toBeLessThanOrEqual(256)
      expect(seqsOf(frozen)).toEqual(upTo(frozen.of('msg').length))
      const again = await server.join('frozen', { encoding, acksAll: true })
      expect(seqsOf(again)).toEqual(upTo(load.count))
    },
  )

  it('that acknowledges what it has not read is closed with 4003 before more than the limit waits for it', async () => {
    const { server, writer, readers, watch } = await busyGroup()
    const liar = await member(server, 'liar', encoding)
    liar.acksAll = false
    liar.socket.pause()
    let acked = 0
    await talk(writer, flood, (seq, epoch) => {
      acked = seq
      liar.send({ type: 'ack', conv: group, epoch, seq })
    })
    await expectAll(readers, flood.count)
    await until('the close with 4003', async () => closedAs(await server.metrics(), 4003))
    expectBounded(await watch())
    expect(acked).toBe(flood.count)
    liar.socket.resume()
    await liar.over()
    // What reached it is in order and without a hole, up to the end.
    expect(seqsOf(liar)).toEqual(upTo(liar.of('msg').length))
    expect([4003, undefined]).toContain(liar.closeCode)
  })

  it('that keeps asking for history costs bounded memory too', async () => {
    const { server, writer, readers, watch } = await busyGroup()
    const greedy = await member(server, 'greedy', encoding)
    await talk(writer, { count: 7, content: flood.content })
    greedy.socket.pause()
    await until('its end', async () => {
      for (let n = 0; n < 200; n++)
        greedy.send({ type: 'history', id: 9, conv: group, order: 'desc', limit: 7 })
      return (await server.metric('chatspec_connections')) === 1 + readers.length || undefined
    })
    expectBounded(await watch())
    expect(closedAs(await server.metrics(), 4003)).toBe(true)
    await talk(writer, { count: 100, content: 'still here' })
    await expectAll(readers, 107)
  })
})

/** A writer and two readers in a group, and a watch on the memory of their server. */
async function busyGroup(): Promise<{
  server: ServerProcess
  writer: Client
  readers: Client[]
  watch: () => Promise<Peak>
}> {
  const server = await serve(flags)
  const writer = await member(server, 'writer', 'json')
  const readers = [await member(server, 'reader1', 'json'), await member(server, 'reader2', 'cbor')]
  return { server, writer, readers, watch: watchMemory(server) }
}

async function member(server: ServerProcess, user: string, encoding: 'json' | 'cbor'): Promise<Client> {
  const client = await server.join(user, { encoding, acksAll: true })
  await client.request({ type: 'join', id: 0, conv: group })
  return client
}

/** Sends `count` messages, 32 at a time, and resolves when all are accepted. */
async function talk(
  writer: Client,
  { count, content }: { count: number; content: string },
  onSent: (seq: number, epoch: string) => void = () => undefined,
): Promise<void> {
  let [begun, accepted] = [0, 0]
  const next = (): void => {
    if (begun++ < count) writer.send(sendTo(group, content, 7))
  }
  writer.onMessage = (message) => {
    if (message.type === 'error') throw new Error(JSON.stringify(message))
    if (message.type !== 'sent') return
    accepted += 1
    onSent(message.seq, message.epoch)
    next()
  }
  for (let n = 0; n < 32; n++) next()
  await writer.until(`${count} sents`, () => accepted === count || undefined)
}

async function expectAll(readers: readonly Client[], count: number): Promise<void> {
  for (const reader of readers) {
    await reader.fence()
    expect(seqsOf(reader)).toEqual(upTo(count))
  }
}

interface Peak {
  bufferedBytes: number
  grownBytes: number
}

function expectBounded({ bufferedBytes, grownBytes }: Peak): void {
  expect(bufferedBytes).toBeLessThanOrEqual(2 * maxBufferedBytes + 131_072)
  expect(grownBytes).toBeLessThanOrEqual(boundBytes)
}

/** Looks all the time; the answer is the highest that was seen. */
function watchMemory(server: ServerProcess): () => Promise<Peak> {
  const startBytes = server.ownBytes()
  const peak = { bufferedBytes: 0, grownBytes: 0 }
  const look = async (): Promise<void> => {
    peak.bufferedBytes = Math.max(peak.bufferedBytes, await server.metric('chatspec_buffered_bytes'))
    peak.grownBytes = Math.max(peak.grownBytes, server.ownBytes() - startBytes)
  }
  let isWatching = true
  const watching = (async () => {
    while (isWatching) {
      await look()
      await new Promise((resolve) => setTimeout(resolve, sampleMs))
    }
  })()
  const stop = async (): Promise<Peak> => {
    isWatching = false
    await watching
    console.log(
      `slow consumer: at most ${peak.bufferedBytes} B buffered, memory grew by ${peak.grownBytes} B, the log included`,
    )
    return peak
  }
  onTestFinished(() => {
    isWatching = false
  })
  return stop
}

function closedAs(metrics: ReadonlyMap<string, number>, code: number): true | undefined {
  return metrics.get(`chatspec_closes_total{code="${code}"}`) === 1 ? true : undefined
}

function seqsOf(client: Client): number[] {
  return client.of('msg').map(({ seq }) => seq)
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
