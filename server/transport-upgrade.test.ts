// Upgrades over real sockets: subprotocols, origins, versions, and a server that drains.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scratchDirectory } from './testing/scratch.ts'
import { type UpgradeOptions, upgrade } from './testing/socket.ts'
import { start } from './testing/start.ts'

const known = ['chatspec.v1.cbor', 'chatspec.v1.json']

/** Upgrades, and hangs up if that went well. */
async function tryUpgrade(options: UpgradeOptions): Promise<Awaited<ReturnType<typeof upgrade>>> {
  const answer = await upgrade(options)
  answer.socket?.destroy()
  return answer
}

describe('an upgrade', () => {
  it.each<[offered: string | undefined, chosen: string | undefined]>([
    [undefined, undefined],
    ['chatspec.v1.json', 'chatspec.v1.json'],
    ['chatspec.v1.cbor', 'chatspec.v1.cbor'],
    ['chatspec.v1.cbor, chatspec.v1.json', 'chatspec.v1.cbor'],
    ['chatspec.v9.json,chatspec.v1.json ,chatspec.v1.cbor', 'chatspec.v1.json'],
  ])('that offers %s is answered with %s', async (protocols, chosen) => {
    const { port } = await start()
    expect(await tryUpgrade({ port, protocols })).toMatchObject({ status: 101, protocol: chosen })
  })

  it.each([
    [['soap', 'chatspec.v1.cbor'], 'chatspec.v1.cbor'],
    [['', 'chatspec.v1.json'], 'chatspec.v1.json'],
    [['chatspec.v1.cbor', 'chatspec.v1.json'], 'chatspec.v1.cbor'],
  ])('may divide its offer among several headers: %j is answered with %s', async (headers, chosen) => {
    const { port } = await start()
    const offered = { port, protocols: undefined, headers: { 'Sec-WebSocket-Protocol': headers } }
    expect(await tryUpgrade(offered)).toMatchObject({ status: 101, protocol: chosen })
  })

  it.each([
    ['websocket', 'Upgrade', 101],
    ['WebSocket', 'keep-alive, UPGRADE', 101],
    ['websocket', 'keep-alive', 400],
    ['websocket', 'Upgraded', 400],
    ['websockets', 'Upgrade', 400],
  ])('with Upgrade: %s and Connection: %s is answered with %i', async (name, connection, status) => {
    const { port } = await start()
    const answer = await tryUpgrade({ port, headers: { Upgrade: name, Connection: connection } })
    expect(answer.status).toBe(status)
  })

  it.each(['chat', 'chatspec.v2.json, soap', 'CHATSPEC.V1.JSON'])(
    'that offers only %s is refused with 400, and told what there is',
    async (protocols) => {
      const { port } = await start()
      const answer = await tryUpgrade({ port, protocols })
      if (answer.socket !== undefined) throw new Error('upgraded')
      expect(answer.status).toBe(400)
      expect(answer.headers['content-type']).toBe('application/json')
      expect(answer.headers['sec-websocket-protocol']).toBeUndefined()
      expect(JSON.parse(answer.body).supported.sort()).toEqual(known)
    },
  )

  it('is refused with 403 for an Origin that is not listed, and accepted for a listed one or none', async () => {
    const { port } = await start({ origins: ['https://chat.example'] })
    const statusFor = async (origin: string): Promise<number> =>
      (await tryUpgrade({ port, headers: { Origin: origin } })).status
    expect(await statusFor('https://chat.example')).toBe(101)
    expect((await tryUpgrade({ port })).status).toBe(101)
    for (const origin of [
      'https://evil.example',
      'https://chat.example.evil.example',
      'http://chat.example',
      'null',
    ]) {
      expect([origin, await statusFor(origin)]).toEqual([origin, 403])
    }
    // No page is served here, so that its own address is as foreign as any other.
    expect(await statusFor(`http://127.0.0.1:${port}`)).toBe(403)
  })

  it('is accepted from the page that the server serves itself', async () => {
    const pageDir = scratchDirectory()
    writeFileSync(join(pageDir, 'index.html'), '<p>')
    const { port } = await start({ pageDir })
    const own = await tryUpgrade({ port, headers: { Origin: `http://127.0.0.1:${port}` } })
    const other = await tryUpgrade({ port, headers: { Origin: `http://127.0.0.1:${port + 1}` } })
    expect([own.status, other.status]).toEqual([101, 403])
  })

  it('of another version of WebSocket is refused with 426, and told which one there is', async () => {
    const { port } = await start()
    const answer = await tryUpgrade({ port, headers: { 'Sec-WebSocket-Version': '8' } })
    if (answer.socket !== undefined) throw new Error('upgraded')
    expect([answer.status, answer.headers['sec-websocket-version']]).toEqual([426, '13'])
  })

  it('is refused with 503 and Retry-After while the server drains', async () => {
    const node = await start({ drainGraceMs: 10_000 })
    const alice = await node.join('alice')
    void node.server.drain()
    await alice.next('drain')
    const answer = await tryUpgrade({ port: node.port })
    if (answer.socket !== undefined) throw new Error('upgraded')
    expect(answer.status).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })
})
