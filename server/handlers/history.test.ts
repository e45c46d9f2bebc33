import { describe, expect, it } from 'vitest'
import type { History, Page } from '../../protocol/index.ts'
import { createVirtualServer, type Peer, type VirtualServer } from '../testing/virtual.ts'

const conv = 'd:alice:bob'

async function filled(count: number): Promise<{ server: VirtualServer; alice: Peer; bob: Peer }> {
  const server = createVirtualServer()
  const alice = await server.join('alice')
  const bob = await server.join('bob')
  for (let n = 1; n <= count; n++) {
    // Several messages share one millisecond.
    if (n % 3 === 0) server.advance(1)
    await say(server, alice, n)
  }
  return { server, alice, bob }
}

async function say(server: VirtualServer, peer: Peer, n: number): Promise<void> {
  const msgId = `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
  peer.send({ type: 'send', id: n, msgId, to: 'bob', content: `m${n}` })
  await server.settle()
}

function ask(peer: Peer, query: Partial<History>): Page {
  peer.send({ type: 'history', id: 77, conv, order: 'asc', limit: 10, ...query })
  const page = peer.of('page').at(-1)
  if (page === undefined) throw new Error(`no page, but ${JSON.stringify(peer.of('error'))}`)
  return page
}

async function readAll(
  peer: Peer,
  query: Partial<History>,
  between?: () => Promise<void>,
): Promise<number[]> {
  const seqs: number[] = []
  let cursor: string | undefined
  for (let turn = 0; turn < 100; turn++) {
    const page = ask(peer, cursor === undefined ? query : { ...query, cursor })
    for (const item of page.items) seqs.push(item.seq)
    expect(page.complete).toBe(page.nextCursor === undefined)
    if (page.nextCursor === undefined) return seqs
    cursor = page.nextCursor
    await between?.()
  }
  throw new Error('pages never end')
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)

describe('history', () => {
  it.each([1, 2, 3, 7, 10, 500])('in pages of %i equals the log, forwards and backwards', async (limit) => {
    const { bob } = await filled(10)
    expect(await readAll(bob, { limit })).toEqual(upTo(10))
    expect(await readAll(bob, { limit, order: 'desc' })).toEqual(upTo(10).reverse())
  })

  it('does not shift when messages arrive between pages', async () => {
    const { server, alice, bob } = await filled(9)
    let next = 10
    const between = (): Promise<void> => say(server, alice, next++)
    expect(await readAll(bob, { limit: 4, order: 'desc' }, between)).toEqual(upTo(9).reverse())
  })

  it('is half-open in time and open in seq', async () => {
    const { bob } = await filled(9)
    const times = ask(bob, {}).items.map((item) => item.timestamp)
    const [, , third, , , sixth] = times
    if (third === undefined || sixth === undefined) throw new Error('too few messages')
    expect(await readAll(bob, { fromTime: third, toTime: sixth })).toEqual([3, 4, 5])
    expect(await readAll(bob, { afterSeq: 3, beforeSeq: 6 })).toEqual([4, 5])
    expect(await readAll(bob, { fromTime: sixth + 1_000 })).toEqual([])
  })

  it('refuses a cursor of another query, and one that was made up', async () => {
    const { bob } = await filled(5)
    const { nextCursor = '' } = ask(bob, { limit: 2 })
    for (const query of [
      { order: 'desc' as const, cursor: nextCursor },
      { cursor: 'zzz.zzz' },
      { cursor: 'x' },
    ]) {
      bob.send({ type: 'history', id: 78, conv, order: 'asc', limit: 2, ...query })
    }
    expect(bob.of('error').map((error) => error.code)).toEqual([110, 110, 110])
  })

  it('is nobody else’s, and refuses a limit over the announced one', async () => {
    const { server, bob } = await filled(2)
    const carol = await server.join('carol')
    carol.send({ type: 'history', id: 1, conv, order: 'asc', limit: 10 })
    bob.send({ type: 'history', id: 2, conv, order: 'asc', limit: 501 })
    expect(carol.of('error')[0]?.code).toBe(103)
    expect(bob.of('error')[0]).toMatchObject({ code: 101, id: 2 })
  })

  it('makes a page shorter rather than a frame too long, and says that more remains', async () => {
    const server = createVirtualServer()
    const alice = await server.join('alice')
    const bob = await server.join('bob')
    for (let n = 1; n <= 12; n++) {
      const msgId = `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
      alice.send({ type: 'send', id: n, msgId, to: 'bob', content: '\u0001'.repeat(16_384) })
      await server.settle()
    }
    const first = ask(bob, { limit: 12 })
    expect(first.items.length).toBe(1)
    expect(first.complete).toBe(false)
    expect(await readAll(bob, { limit: 12 })).toEqual(upTo(12))
  })
})
