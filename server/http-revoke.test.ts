import { describe, expect, it } from 'vitest'
import { tokenFor } from './testing/endpoint.ts'
import { scratchDirectory } from './testing/scratch.ts'
import { type StartedServer, start } from './testing/start.ts'

const adminToken = 'the operator of this test'
const asAdmin = { Authorization: `Bearer ${adminToken}` }
const conv = 'd:alice:bob'

describe('POST /admin/revoke', () => {
  const post = (
    server: StartedServer,
    body: string,
    headers: Record<string, string> = asAdmin,
  ): Promise<Response> => server.fetch('/admin/revoke', { method: 'POST', body, headers })

  it('does not exist without an admin token', async () => {
    const server = await start()
    expect((await post(server, '{"sub":"alice"}')).status).toBe(404)
    expect((await post(server, '{"sub":"alice"}', { Authorization: 'Bearer ' })).status).toBe(404)
  })

  it('refuses a wrong token, a bad body and one that is too large, and revokes nothing', async () => {
    const server = await start({ adminToken })
    const alice = await server.join('alice')
    const good = '{"sub":"alice"}'
    expect((await post(server, good, {})).status).toBe(401)
    expect((await post(server, good, { Authorization: `Bearer ${tokenFor('alice')}` })).status).toBe(401)
    expect((await post(server, good, { Authorization: adminToken })).status).toBe(401)
    for (const body of ['', 'null', '[]', '{}', '{"sub":1}', '{"sub":"alice","jti":"x"}', '{"sub":"alice"']) {
      expect([body, (await post(server, body)).status]).toEqual([body, 400])
    }
    expect((await post(server, `${good}${' '.repeat(4_096)}`)).status).toBe(413)
    expect((await server.fetch('/admin/revoke', { headers: asAdmin })).status).toBe(404)
    await alice.fence()
  })

  it('ends the open sessions of a user with 4506, refuses the old tokens and leaves the others alone', async () => {
    const server = await start({ adminToken })
    const [phone, laptop, bob] = [
      await server.join('alice'),
      await server.join('alice', { deviceId: 'laptop', encoding: 'cbor' }),
      await server.join('bob'),
    ]
    const old = tokenFor('alice')
    const response = await post(server, '{"sub":"alice"}')
    expect([response.status, await response.json()]).toEqual([200, { revoked: { sub: 'alice' } }])
    for (const client of [phone, laptop]) {
      expect(await client.over(5_000)).toMatchObject({ code: 4506, bye: { code: 4506, reconnect: 'never' } })
    }
    await bob.fence()
    expect((await server.join('alice', { token: old })).bye).toMatchObject({ code: 4506 })
    const byHttp = await server.fetch(`/api/history?conv=${conv}`, {
      headers: { Authorization: `Bearer ${old}` },
    })
    expect(byHttp.status).toBe(401)
  })

  it('ends only the sessions of one token', async () => {
    const server = await start({ adminToken })
    const lost = await server.join('alice', { token: tokenFor('alice', { jti: 'lost' }) })
    const kept = await server.join('alice', { deviceId: 'laptop', token: tokenFor('alice', { jti: 'kept' }) })
    expect((await post(server, '{"jti":"lost"}')).status).toBe(200)
    expect((await lost.over(5_000)).code).toBe(4506)
    await kept.fence()
  })

  it('survives a restart', async () => {
    const dataDir = scratchDirectory()
    const token = tokenFor('alice', { jti: 'lost' })
    const old = tokenFor('bob')
    const first = await start({ adminToken, dataDir })
    expect((await first.join('alice', { token })).bye).toBeUndefined()
    await post(first, '{"jti":"lost"}')
    await post(first, '{"sub":"bob"}')
    await first.server.close()
    const second = await start({ adminToken, dataDir })
    expect((await second.join('alice', { token })).bye).toMatchObject({ code: 4506 })
    expect((await second.join('bob', { token: old })).bye).toMatchObject({ code: 4506 })
    expect((await second.join('alice')).bye).toBeUndefined()
  })
})
