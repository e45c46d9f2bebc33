// Who a log is: made once, kept for ever, but for the epoch.
import { randomBytes } from 'node:crypto'
import { ChatspecError } from '../../protocol/index.ts'
import { newEpoch } from './epoch.ts'
import { firstKey, identityKey, lastKey } from './layout.ts'
import { headerBytes, isWhole, seal } from './seal.ts'
import type { Store, Write } from './store.ts'

export interface Identity {
  epoch: string
  /** Secret: see log/id-hash.ts. */
  hashKey: readonly [number, number]
}

export function newIdentity(): Identity {
  const random = randomBytes(8)
  return { epoch: newEpoch(), hashKey: [random.readInt32LE(0), random.readInt32LE(4)] }
}

/** Undefined if there is nothing at all in the store. */
export function readIdentity(store: Store): Identity | undefined {
  const value = store.get(identityKey)
  if (value !== undefined && isWhole(value))
    return JSON.parse(value.toString('utf8', headerBytes)) as Identity
  if (value !== undefined) throw new ChatspecError('LOG_DAMAGED', 'the identity of the log is damaged')
  for (const _ of store.range(firstKey, lastKey)) {
    throw new ChatspecError('LOG_FORMAT', 'this lmdb environment is not a log of chatspec')
  }
  return undefined
}

export function identityWrite(identity: Identity): Write {
  const value = Buffer.concat([Buffer.alloc(headerBytes), Buffer.from(JSON.stringify(identity))])
  return { key: identityKey, value: seal(value, 1) }
}
