// Records on the disk: JSON under their keys.
import type { RecordKey, RecordValue } from '../log.ts'
import { recordKeyFrom } from './keys.ts'
import { afterPrefix, recordKey } from './layout.ts'
import type { Store, Write } from './store.ts'

export function readRecord(store: Store, key: RecordKey): RecordValue | undefined {
  const value = store.get(recordKey(key))
  return value === undefined ? undefined : parse(value)
}

export function listRecords(store: Store, prefix: RecordKey): (readonly [RecordKey, RecordValue])[] {
  const start = recordKey(prefix)
  const found: (readonly [RecordKey, RecordValue])[] = []
  for (const { key, value } of store.range(start, afterPrefix(start))) {
    if (key.length > start.length) found.push([recordKeyFrom(key.subarray(1)), parse(value)])
  }
  return found
}

/** `undefined` deletes. */
export function recordWrite(key: RecordKey, value: RecordValue | undefined): Write {
  const json = value === undefined ? undefined : Buffer.from(JSON.stringify(value))
  return { key: recordKey(key), value: json }
}

function parse(value: Buffer): RecordValue {
  return JSON.parse(value.toString()) as RecordValue
}
