// Messages in virtual time, each with an id of its own.
import type { Peer, VirtualServer } from './virtual.ts'

let lastId = 0

/** Sends to a user or a group, and waits until all of it is stored. */
export async function say(
  server: VirtualServer,
  peer: Peer,
  to: string,
  count = 1,
  content?: string,
): Promise<void> {
  for (let n = 0; n < count; n++) {
    lastId += 1
    const msgId = `00000000-0000-4000-8000-${lastId.toString(16).padStart(12, '0')}`
    const target = to.startsWith('g:') ? { conv: to } : { to }
    peer.send({ type: 'send', id: lastId, msgId, ...target, content: content ?? `m${lastId}` })
  }
  await server.settle()
}
