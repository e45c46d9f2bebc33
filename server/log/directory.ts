// The directory of an lmdb log: that it is one, of this format, and not in other hands.
import { mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChatspecError } from '../../protocol/index.ts'
import { checkFile } from './file.ts'
import { format } from './layout.ts'
import { LmdbStore, type Store } from './store.ts'

export interface LogDirectory {
  store: Store
  /** It holds a log that was created to the end. */
  isMarked: boolean
  /** To be called when the log is created to the end. */
  mark(): void
}

/** @throws ChatspecError `LOG_FORMAT`, `LOG_DAMAGED`, `LOG_IN_USE` */
export async function openDirectory(dir: string): Promise<LogDirectory> {
  mkdirSync(dir, { recursive: true })
  const path = realpathSync(dir)
  const dataFile = join(path, 'data.mdb')
  const markFile = join(path, 'chatspec-log.json')
  const isMarked = readMark(markFile)
  if (isMarked && (statSync(dataFile, { throwIfNoEntry: false })?.size ?? 0) === 0) {
    throw new ChatspecError('LOG_DAMAGED', 'data.mdb is missing or empty')
  }
  const store = new LmdbStore(path)
  try {
    checkFile(dataFile)
  } catch (cause) {
    await store.close()
    throw cause
  }
  const mark = (): void => writeFileSync(markFile, `${JSON.stringify({ format })}\n`, { flush: true })
  return { store, isMarked, mark }
}

function readMark(markFile: string): boolean {
  if (statSync(markFile, { throwIfNoEntry: false }) === undefined) return false
  const text = readFileSync(markFile, 'utf8').trim()
  if (text === JSON.stringify({ format })) return true
  throw new ChatspecError(
    'LOG_FORMAT',
    `it was written by another version: ${text}; this one reads format ${format}`,
  )
}
