// For each capability one case of the suite that takes a second or two and shows whether it is real.
import type { Case } from '../case.ts'
import { cases } from '../cases/index.ts'

/** In the order of SPEC.md#capabilities; undefined where nothing can be seen from outside. */
export const witnesses: Readonly<Record<string, string | undefined>> = {
  'durability=memory': undefined,
  'durability=process': undefined,
  'durability=fsync': undefined,
  fence: 'heartbeats/pong-does-not-overtake',
  groups: 'groups/first-to-join-is-the-owner',
  'join=open': 'groups/anybody-joins-an-open-group',
  'join=owner': 'groups/only-the-owner-lets-in',
  history: 'history/pages-of-any-size-hold-everything-once',
  'history=window': 'groups/membership-is-a-window',
  sync: 'offline/sync-brings-exactly-what-follows',
  resume: 'resume/resume-continues-at-each-cursor',
  directory: 'direct/stranger-cannot-be-written-to',
  devices: 'direct/every-device-but-the-origin-gets-it',
  'msg-echo=other-devices': 'direct/every-device-but-the-origin-gets-it',
  'life=any-frame': 'heartbeats/any-frame-is-a-sign-of-life',
  presence: 'presence/user-comes-and-goes',
  receipts: 'receipts/delivered-means-acknowledged',
}

export const noWitness =
  'not to be seen by the URL alone: `chatspec conform` tests it with hooks that kill and start the server'

export function witnessCases(): Case[] {
  const ids = new Set(Object.values(witnesses))
  return cases.filter(({ id }) => ids.has(id))
}
