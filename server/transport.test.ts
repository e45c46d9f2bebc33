// The edge to the network over real sockets: sizes, kinds, fragments, close handshakes, TLS.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encode as encodeCbor } from 'cborg'
import { describe, expect, it } from 'vitest'
import { selfSignedCertificate } from '../conformance/testing/certificate.ts'
import { closePayload, encodeFrame, opcodes } from '../conformance/ws-frames.ts'
import { defaultLimits, frameNumbers, magic } from '../protocol/index.ts'
import { encodings, sendTo, tokenFor } from './testing/endpoint.ts'
import { scratchDirectory } from './testing/scratch.ts'
import { type Client, payloadOf } from './testing/socket.ts'
import { start } from './testing/start.ts'
import { until } from './testing/until.ts'

const { maxFrame } = defaultLimits

describe('a message', () => {
  it.each(encodings)(
    'of exactly maxFrame bytes in %s is accepted, one byte more is closed with 4503',
    async (encoding) => {
      const server = await start()
      const exact = await server.join('alice', { encoding })
      exact.sendPayload(pingOf(maxFrame, encoding))
      expect(await exact.next('pong')).toMatchObject({ n: 7 })
      const over = await server.join('bob', { encoding })
      over.sendPayload(pingOf(maxFrame + 1, encoding))
      expect(await over.over()).toMatchObject({ code: 4503, bye: { code: 4503, reconnect: 'never' } })
      expect(over.of('pong')).toEqual([])
    },
  )

  it.each(encodings)('far over maxFrame in %s ends its connection and nothing else', async (encoding) => {
    const server = await start()
    const bystander = await server.join('bob')
    const client = await server.join('alice', { encoding })
    for (let n = 0; n < 16; n++) {
      const opcode = encoding === 'json' ? opcodes.text : opcodes.binary
      const payload = Buffer.alloc(maxFrame * 2, 0x20)
      client.write(encodeFrame({ opcode: n === 0 ? opcode : opcodes.continuation, payload, fin: n === 15 }))
    }
    await client.over()
    await bystander.fence()
  })

  it('that announces a petabyte reserves nothing and ends its connection', async () => {
    const server = await start()
    const client = await server.join('alice')
    client.write(encodeFrame({ opcode: opcodes.text, payload: Buffer.from('{'), declaredBytes: 2 ** 50 }))
    await client.over()
    await (await server.join('bob')).fence()
  })

  it.each([
    ['a text message on a cbor connection', 'cbor', opcodes.text, Buffer.from('{"type":"ping","n":1}')],
    [
      'a binary message on a json connection',
      'json',
      opcodes.binary,
      payloadOf({ type: 'ping', n: 1 }, 'cbor'),
    ],
    ['JSON in a binary message', 'json', opcodes.binary, Buffer.from('{"type":"ping","n":1}')],
    ['an empty text message', 'json', opcodes.text, Buffer.alloc(0)],
    ['an empty binary message', 'cbor', opcodes.binary, Buffer.alloc(0)],
  ] as const)('is closed with 4502 where it is %s', async (_what, encoding, opcode, payload) => {
    const server = await start()
    const client = await server.join('alice', { encoding })
    client.write(encodeFrame({ opcode, payload }))
    expect(await client.over()).toMatchObject({ code: 4502, bye: { code: 4502 } })
    expect(client.of('pong')).toEqual([])
  })

  it('of invalid UTF-8 ends its connection without effect', async () => {
    const server = await start()
    const bob = await server.join('bob')
    const client = await server.join('alice')
    const text = Buffer.from(JSON.stringify(sendTo('bob', 'a?b', 9)))
    text[text.indexOf('?')] = 0xff
    client.write(encodeFrame({ opcode: opcodes.text, payload: text }))
    // 1007, 4502 or no close frame at all: VAR-07.
    expect([1007, 4502, undefined]).toContain((await client.over()).code)
    await bob.fence()
    expect(bob.of('msg')).toEqual([])
  })

  it.each(encodings)('in %s is the same however fragments and segments divide it', async (encoding) => {
    const server = await start()
    const bob = await server.join('bob', { encoding })
    const alice = await server.join('alice', { encoding })
    const contents = ['one', 'zwei € drei', 'x'.repeat(300)]
    for (const [index, content] of contents.entries()) {
      const payload = payloadOf(sendTo('bob', content, index + 2), encoding)
      const wire =
        index === 0 ? fragmented(payload, encoding) : encodeFrame({ opcode: opcodeOf(encoding), payload })
      for (const byte of wire) await written(alice, Buffer.from([byte]))
    }
    const last = await alice.until('three sents', () => alice.of('sent')[2])
    await bob.fence()
    expect(last.seq).toBe(3)
    expect(bob.of('msg').map(({ content }) => content)).toEqual(contents)
    // Every fragment but the last was followed by a WebSocket ping, and each one was answered.
    expect(alice.wsPongs).toBeGreaterThan(20)
  })

  it('may come with many others in one segment', async () => {
    const server = await start()
    const alice = await server.join('alice')
    const pings = Array.from({ length: 500 }, (_, n) =>
      encodeFrame({ opcode: opcodes.text, payload: payloadOf({ type: 'ping', n }, 'json') }),
    )
    alice.write(Buffer.concat(pings))
    await alice.until('all pongs', () => alice.of('pong')[499])
    expect(alice.of('pong').map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n))
  })
})

describe('a close', () => {
  const valid = [1000, 1001, 3000, 4000, 4999].map((code) => [`code ${code}`, closePayload(code)] as const)
  const invalid = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535].map(
    (code) => [`the invalid code ${code}`, closePayload(code)] as const,
  )
  const odd = [
    ['no code', Buffer.alloc(0)],
    ['half a code', Buffer.from([3])],
    ['a reason that is no UTF-8', Buffer.from([0x03, 0xe8, 0xff, 0xfe])],
    ['a long reason', closePayload(1000, 'x'.repeat(123))],
  ] as const
  it.each([...valid, ...invalid, ...odd])(
    'of the client with %s is answered by a close frame',
    async (_what, payload) => {
      const server = await start()
      const client = await server.join('alice')
      client.write(encodeFrame({ opcode: opcodes.close, payload }))
      expect((await client.over()).code).toBeDefined()
    },
  )

  it.each(encodings)('of the server in %s can be read although input is still unread', async (encoding) => {
    const server = await start()
    const client = await server.join('alice', { encoding })
    client.socket.pause()
    client.sendPayload('no frame at all')
    const more = encodeFrame({
      opcode: opcodeOf(encoding),
      payload: payloadOf(sendTo('bob', 'y'.repeat(9_000), 3), encoding),
    })
    for (let n = 0; n < 200; n++) client.write(more)
    client.socket.resume()
    expect(await client.over()).toMatchObject({ code: 4502, bye: { code: 4502, reconnect: 'never' } })
  })

  it('lets go within seconds of a peer that neither reads nor answers it', async () => {
    const server = await start()
    const client = await server.join('alice')
    client.socket.pause()
    client.sendPayload('no frame at all')
    const ping = encodeFrame({ opcode: opcodes.ping })
    // Once the server has given up its end, the kernel refuses what is written.
    await until('an end', () => {
      client.write(ping)
      return client.isOver || undefined
    })
    expect(await server.metric('chatspec_connections')).toBe(0)
  })
})

describe('TLS', () => {
  it('carries the same', async () => {
    const directory = scratchDirectory()
    const { key, cert } = selfSignedCertificate()
    const tls = { keyFile: join(directory, 'key.pem'), certFile: join(directory, 'cert.pem') }
    writeFileSync(tls.keyFile, key)
    writeFileSync(tls.certFile, cert)
    const server = await start({ tls })
    const bob = await server.join('bob', { tls: true, encoding: 'cbor' })
    const alice = await server.join('alice', { tls: true, encoding: 'json' })
    expect(await alice.request(sendTo('bob', 'x'.repeat(16_384)))).toMatchObject({ type: 'sent', seq: 1 })
    await bob.fence()
    expect(bob.of('msg')).toMatchObject([{ seq: 1, from: 'alice' }])
    bob.sendPayload('no frame at all')
    expect(await bob.over()).toMatchObject({ code: 4502, bye: { code: 4502 } })
    expect(server.server.url).toBe(`wss://127.0.0.1:${server.port}/ws`)
  })

  it('is refused where a file is missing', async () => {
    await expect(start({ tls: { keyFile: '/nowhere/key', certFile: '/nowhere/cert' } })).rejects.toThrow(
      /no such file/,
    )
  })
})

describe('before hello', () => {
  it('a ping is answered, everything else closes with 4504 and has no effect', async () => {
    const server = await start()
    const bob = await server.join('bob')
    const client = await server.connect()
    await client.fence()
    client.send(sendTo('bob', 'x', 2))
    client.send({ type: 'hello', id: 3, token: tokenFor('alice'), deviceId: 'phone' })
    expect(await client.over()).toMatchObject({ code: 4504 })
    await bob.fence()
    expect(bob.of('msg')).toEqual([])
    expect(client.of('welcome')).toEqual([])
  })
})

function opcodeOf(encoding: 'json' | 'cbor'): number {
  return encoding === 'json' ? opcodes.text : opcodes.binary
}

/** A ping of exactly so many bytes; in JSON most of its characters have two. */
function pingOf(bytes: number, encoding: 'json' | 'cbor'): Buffer {
  const pad = (length: number): string => 'é'.repeat(length >> 1) + 'e'.repeat(length & 1)
  if (encoding === 'json') {
    const empty = Buffer.byteLength('{"type":"ping","n":7,"pad":""}')
    return Buffer.from(`{"type":"ping","n":7,"pad":"${pad(bytes - empty)}"}`)
  }
  // Map head, "n", 7, "pad", and a text head of five bytes.
  const body = encodeCbor({ n: 7, pad: pad(bytes - 15 - 13) })
  const head = Buffer.alloc(15)
  head[0] = magic
  head.writeUInt32BE(body.length + 2, 1)
  head[13] = frameNumbers.ping
  return Buffer.concat([head, body])
}

/** Fragments of three bytes, the first of them empty, with a WebSocket ping after each but the last. */
function fragmented(payload: Buffer, encoding: 'json' | 'cbor'): Buffer {
  const parts: Buffer[] = [encodeFrame({ opcode: opcodeOf(encoding), fin: false })]
  for (let at = 0; at < payload.length; at += 3) {
    parts.push(encodeFrame({ opcode: opcodes.ping, payload: Buffer.from('hi') }))
    const part = payload.subarray(at, at + 3)
    parts.push(encodeFrame({ opcode: opcodes.continuation, payload: part, fin: at + 3 >= payload.length }))
  }
  return Buffer.concat(parts)
}

/** Handed to the kernel by itself, so that it becomes a segment of its own. */
function written(client: Client, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => client.socket.write(bytes, () => resolve()))
}
