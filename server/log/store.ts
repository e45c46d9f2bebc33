// An ordered map of bytes with atomic, durable commits: all that the log asks of lmdb.
import { open, type RootDatabase } from 'lmdb'
import { ChatspecError } from '../../protocol/index.ts'

export interface Entry {
  key: Buffer
  value: Buffer
}

/** Without a value: a deletion. */
export interface Write {
  key: Buffer
  value?: Buffer | undefined
}

/** Writes that belong into one commit, and what to do once it is durable. */
export interface Step {
  writes: Write[]
  /** Bytes that had to be read for it. */
  readBytes?: number
  committed?: () => void
}

/** Reads see what is committed. */
export interface Store {
  get(key: Buffer): Buffer | undefined
  /** The entry with the greatest key from `least` to `key`, both included. */
  floor(key: Buffer, least: Buffer): Entry | undefined
  /** Entries from `start` (included) to `end` (excluded); to be read to its end at once. */
  range(start: Buffer, end: Buffer): Iterable<Entry>
  /** All of it, flushed to the disk, or nothing. One at a time. */
  commit(writes: readonly Write[]): Promise<void>
  close(): Promise<void>
}

type Env = RootDatabase<Buffer, Buffer>

/** What this process has open: lmdb would not mind, and share it. */
const openPaths = new Set<string>()

export class LmdbStore implements Store {
  /** A real path, of a directory that exists. */
  readonly #path: string
  #env: Env | undefined

  /** @throws ChatspecError `LOG_IN_USE`, or the error of lmdb */
  constructor(path: string) {
    if (openPaths.has(path)) throw inUse(process.pid)
    this.#path = path
    this.#env = openEnv(path)
    const [other] = otherReaders(this.#env)
    if (other !== undefined) {
      void this.#env.close()
      throw inUse(other)
    }
    openPaths.add(path)
  }

  get(key: Buffer): Buffer | undefined {
    return this.#opened().get(key)
  }

  floor(key: Buffer, least: Buffer): Entry | undefined {
    for (const entry of this.#opened().getRange({ start: key, reverse: true, limit: 1 })) {
      return Buffer.compare(entry.key, least) < 0 ? undefined : entry
    }
    return undefined
  }

  range(start: Buffer, end: Buffer): Iterable<Entry> {
    return this.#opened().getRange({ start, end })
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#env ??= openEnv(this.#path)
    const env = this.#env
    try {
      await env.batch(() => {
        for (const { key, value } of writes)
          void (value === undefined ? env.remove(key) : env.put(key, value))
      })
    } catch (error) {
      await this.#reopen()
      throw await causeOf(error)
    }
  }

  async close(): Promise<void> {
    await this.#env?.close()
    openPaths.delete(this.#path)
  }

  /** If lmdb failed to write its meta page, the next transaction would wait for ever. */
  async #reopen(): Promise<void> {
    const env = this.#env
    this.#env = undefined
    await env?.close()
    this.#env = openEnv(this.#path)
  }

  #opened(): Env {
    if (this.#env === undefined) throw new ChatspecError('LOG_CLOSED', `${this.#path} is not open`)
    return this.#env
  }
}

function openEnv(path: string): Env {
  return open<Buffer, Buffer>({
    path,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    useVersions: false,
    // A commit is reported when it is on the disk. With overlapping syncs it would be when it is visible.
    overlappingSync: false,
  })
}

/** Processes that have read from this environment and still live; their places in its table end with them. */
function otherReaders(env: Env): number[] {
  env.readerCheck()
  const pids = String(env.readerList())
    .split('\n')
    .map((line) => Number.parseInt(line, 10))
  return pids.filter((pid) => Number.isInteger(pid) && pid !== process.pid)
}

function inUse(pid: number): ChatspecError {
  return new ChatspecError('LOG_IN_USE', `it is in use by process ${pid}`)
}

/** lmdb-js hides the reason in a promise that rejects. */
async function causeOf(error: unknown): Promise<Error> {
  const hidden = error instanceof Error && 'commitError' in error ? error.commitError : error
  const reason: unknown = await Promise.resolve(hidden).catch((cause: unknown) => cause)
  return new ChatspecError('COMMIT_FAILED', reason instanceof Error ? reason.message : String(reason), {
    cause: reason,
  })
}
