// What a socket is sent reaches it in order, by its own queue and by topics, over the real socket layer.
import { expect, it } from 'vitest'
import { encodings, generousLimits, sendTo } from './testing/endpoint.ts'
import { start } from './testing/start.ts'

const conv = 'g:room'

it.each(encodings)(
  'a member who falls behind loses nothing of what was published before, in %s',
  async (encoding) => {
    const window = 8
    const endpoint = await start({ limits: { ...generousLimits, window } })
    const alice = await endpoint.join('alice')
    const bob = await endpoint.join('bob', { encoding })
    for (const member of [alice, bob]) await member.request({ type: 'join', id: 0, conv })
    await Promise.all(Array.from({ length: 12 }, (_, index) => alice.request(sendTo(conv, `m${index}`))))
    await bob.fence()
    expect(bob.of('msg').map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  },
)

it.each(encodings)('who leaves gets everything up to the end of its membership, in %s', async (encoding) => {
  const endpoint = await start({ limits: generousLimits })
  const alice = await endpoint.join('alice')
  const bob = await endpoint.join('bob', { encoding })
  for (const member of [alice, bob]) await member.request({ type: 'join', id: 0, conv })
  const sending = Array.from({ length: 40 }, (_, index) => alice.request(sendTo(conv, `m${index}`)))
  const answer = await bob.request({ type: 'leave', id: 0, conv })
  await Promise.all(sending)
  await bob.fence()
  const top = answer.type === 'ok' ? (answer.top ?? 0) : -1
  expect(bob.of('msg').map(({ seq }) => seq)).toEqual(Array.from({ length: top }, (_, index) => index + 1))
})
