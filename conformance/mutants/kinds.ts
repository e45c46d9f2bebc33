// Servers that do less than all, or say more than they do.
import { capabilities } from './server/options.ts'
import type { HostOptions } from './server/host.ts'

const groupsAndPast = ['groups', 'join', 'history', 'sync', 'resume', 'presence', 'receipts']

/** Direct messages and acks, and nothing else. */
export const partial: HostOptions = {
  caps: capabilities.filter((cap) => !groupsAndPast.includes(cap.split('=')[0] ?? '')),
}

/** The same, whose `welcome` declares groups and history nevertheless. */
export const liar: HostOptions = { ...partial, lies: ['groups', 'join=open', 'history', 'history=window'] }
