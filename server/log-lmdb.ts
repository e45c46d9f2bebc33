// Opens the durable log of a directory: the embedded default.
import { ChatspecError } from '../protocol/index.ts'
import type { LogOptions, MessageLog } from './log.ts'
import { openDirectory } from './log/directory.ts'
import { identityWrite, newIdentity, readIdentity } from './log/identity.ts'
import { recover } from './log/recovery.ts'
import type { Store } from './log/store.ts'
import { StoredLog } from './log/stored.ts'
import { defaultTuning, type LogTuning } from './log/tuning.ts'

/**
 * Creates the log if there is none. What had to be dropped is said in `recovery`.
 * @throws ChatspecError `LOG_DAMAGED`, `LOG_FORMAT` (of another version, or no log), `LOG_IN_USE` (by another process),
 * `LOG_UNAVAILABLE` (the system refused)
 */
export async function openLmdbLog(
  dir: string,
  options: LogOptions,
  tuning = defaultTuning,
): Promise<MessageLog> {
  try {
    const { store, isMarked, mark } = await openDirectory(dir)
    try {
      if (isMarked && readIdentity(store) === undefined)
        throw new ChatspecError('LOG_DAMAGED', 'it is empty, and was not')
      const log = await openLog(store, options, tuning)
      if (!isMarked) mark()
      return log
    } catch (cause) {
      await store.close()
      throw cause
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ChatspecError(codeOf(cause, reason), `the log in ${dir}: ${reason}`, { cause })
  }
}

/** lmdb names what is wrong with its file; other errors are the system's. */
function codeOf(cause: unknown, reason: string): string {
  if (cause instanceof ChatspecError) return cause.code
  return reason.startsWith('MDB_') ? 'LOG_DAMAGED' : 'LOG_UNAVAILABLE'
}

/** The log in a store that nobody else uses. */
export async function openLog(store: Store, options: LogOptions, tuning: LogTuning): Promise<MessageLog> {
  let identity = readIdentity(store)
  if (identity === undefined) {
    identity = newIdentity()
    await store.commit([identityWrite(identity)])
  }
  return new StoredLog({ store, options, tuning, ...(await recover(store, identity, tuning)) })
}
