// Reads an lmdb log back: the ids, and the messages of the commits that had not been moved into chunks.
// What cannot be trusted is dropped and named. If messages are among it, the epoch changes.
import type { Seq } from '../../protocol/index.ts'
import { newEpoch } from './epoch.ts'
import { Generation } from './generation.ts'
import { IdHash } from './id-hash.ts'
import { IdIndex } from './id-index.ts'
import { type Identity, identityWrite } from './identity.ts'
import { afterPrefix, chunkKey, commitNumber, commitPrefix, maxSeq } from './layout.ts'
import { LogReader } from './reader.ts'
import { recordConversation, recordLength, recordSeq } from './record.ts'
import { headerBytes, isWhole } from './seal.ts'
import type { Entry, Store, Write } from './store.ts'
import type { LogTuning } from './tuning.ts'

export interface Recovered {
  epoch: string
  recovery: readonly string[]
  hash: IdHash
  ids: IdIndex
  /** What had not been moved into chunks. */
  generation: Generation
  nextCommit: number
}

/** @throws ChatspecError `LOG_DAMAGED` */
export async function recover(store: Store, identity: Identity, tuning: LogTuning): Promise<Recovered> {
  const hash = new IdHash(identity.hashKey)
  const ids = new IdIndex(store, tuning)
  const damagedIds = ids.load()
  const { generation, dropped } = readCommits(store, hash)
  const recovery: string[] = []
  let epoch = identity.epoch
  const writes: Write[] = [...damagedIds, ...dropped].map((key) => ({ key }))
  if (damagedIds.length > 0) {
    recovery.push(
      `${damagedIds.length} damaged blocks of message ids were dropped: repeats may be stored again`,
    )
  }
  if (dropped.length > 0) {
    epoch = newEpoch()
    writes.push(identityWrite({ ...identity, epoch }), ...voidChunks(store, generation))
    const [first, last] = [dropped[0], dropped.at(-1)].map((key) =>
      key === undefined ? 0 : commitNumber(key),
    )
    recovery.push(
      `commit ${first} is damaged: the messages of commits ${first} to ${last} were dropped; the epoch is now ${epoch}`,
    )
  }
  if (writes.length > 0) await store.commit(writes)
  return { epoch, recovery, hash, ids, generation, nextCommit: generation.lastCommit + 1 }
}

/**
 * A flush that was cut short may have put messages of the dropped commits into chunks behind those of `generation`,
 * which it will put there again.
 */
function voidChunks(store: Store, { tails }: Generation): Write[] {
  return [...tails].flatMap(([conversation, { firstSeq }]) =>
    [...store.range(chunkKey(conversation, firstSeq), chunkKey(conversation, maxSeq))].map(({ key }) => ({
      key,
    })),
  )
}

/** All commits up to the first that is damaged or does not follow; that one and all after it are `dropped`. */
function readCommits(store: Store, hash: IdHash): { generation: Generation; dropped: Buffer[] } {
  const generation = new Generation(hash)
  const reader = new LogReader(store, () => [generation])
  const dropped: Buffer[] = []
  // Read to the end first: `follows` reads as well.
  for (const entry of [...store.range(commitPrefix, afterPrefix(commitPrefix))]) {
    if (dropped.length === 0 && follows(entry, generation, reader))
      generation.replay(commitNumber(entry.key), entry.value)
    else dropped.push(entry.key)
  }
  return { generation, dropped }
}

function follows({ key, value }: Entry, generation: Generation, reader: LogReader): boolean {
  if (!isWhole(value)) return false
  if (generation.lastCommit !== 0 && commitNumber(key) !== generation.lastCommit + 1) return false
  const heads = new Map<number, Seq>()
  for (let at = headerBytes; at < value.length; at += recordLength(value, at)) {
    const conversation = recordConversation(value, at)
    const head = heads.get(conversation) ?? reader.last(conversation).seq
    const seq = recordSeq(value, at)
    // A flush that was cut short has left messages that are in chunks already.
    if (seq > head + 1) return false
    heads.set(conversation, Math.max(head, seq))
  }
  return true
}
