// Small records with read-your-writes: what is on its way to the disk is seen already, in front of what is committed.
import type { MessageLog, RecordKey, RecordValue } from './log.ts'

export interface Records {
  get(key: RecordKey): RecordValue | undefined
  /** Everything below a prefix of at least two components, in no particular order. */
  list(prefix: RecordKey): Iterable<readonly [RecordKey, RecordValue]>
  /** `undefined` deletes. `done` is called in commit order. */
  put(key: RecordKey, value: RecordValue | undefined, done?: (failure?: Error) => void): void
  /** Writes that are under way. */
  pending(): number
}

interface Write {
  readonly key: RecordKey
  readonly value: RecordValue | undefined
}

export function createRecords(log: MessageLog): Records {
  /** By the first two components, then by the whole key: a look-up touches only its owner's writes. */
  const owners = new Map<string, Map<string, Write>>()
  let count = 0

  function forget(owner: string, name: string, write: Write): void {
    count -= 1
    const writes = owners.get(owner)
    if (writes?.get(name) === write) writes.delete(name)
    if (writes?.size === 0) owners.delete(owner)
  }

  return {
    get(key) {
      if (count === 0) return log.getRecord(key)
      const write = owners.get(ownerOf(key))?.get(key.join(separator))
      return write === undefined ? log.getRecord(key) : write.value
    },
    list(prefix) {
      const committed = log.listRecords(prefix)
      const writes = owners.get(ownerOf(prefix))
      return writes === undefined ? committed : merged(committed, [...writes.values()], prefix)
    },
    put(key, value, done) {
      const owner = ownerOf(key)
      const name = key.join(separator)
      const write = { key, value }
      let writes = owners.get(owner)
      if (writes === undefined) {
        writes = new Map()
        owners.set(owner, writes)
      }
      writes.set(name, write)
      count += 1
      log.putRecord(key, value, (failure) => {
        forget(owner, name, write)
        done?.(failure)
      })
    },
    pending: () => count,
  }
}

/** No component can contain it. */
const separator = '\u0000'

function ownerOf(key: RecordKey): string {
  return `${key[0]}${separator}${key[1]}`
}

function* merged(
  committed: Iterable<readonly [RecordKey, RecordValue]>,
  writes: readonly Write[],
  prefix: RecordKey,
): Iterable<readonly [RecordKey, RecordValue]> {
  const below = writes.filter(({ key }) => prefix.every((component, index) => key[index] === component))
  const names = new Set(below.map(({ key }) => key.join(separator)))
  for (const entry of committed) if (!names.has(entry[0].join(separator))) yield entry
  for (const { key, value } of below) if (value !== undefined) yield [key, value]
}
