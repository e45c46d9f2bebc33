// Reads a history from a file or a pipe, line by line: memory follows the longest line, not the length of the run.
import { open } from 'node:fs/promises'
import { type HistoryEvent, parseHistoryLine } from '../conformance/checker/index.ts'
import { ChatspecError } from '../protocol/index.ts'

/** A page of history with its largest answers is far below. */
const maxLineLength = 16 * 1024 * 1024
/** After so many nobody wants to read on. */
const shownBadLines = 5

export const standardInput = '-'

/**
 * Hands every event to `take`; after the first line that is no event it only looks for more of those.
 * @throws ChatspecError BAD_HISTORY naming the lines, NO_HISTORY if the file cannot be read
 */
export async function readHistory(path: string, take: (event: HistoryEvent) => void): Promise<number> {
  const bad: string[] = []
  let line = 0
  for await (const text of linesOf(path)) {
    line += 1
    const parsed = parseHistoryLine(text, line)
    if (parsed.ok && bad.length === 0) take(parsed.event)
    if (!parsed.ok) bad.push(`${nameOf(path)}:${line}: ${parsed.detail}`)
    if (bad.length === shownBadLines) throw new ChatspecError('BAD_HISTORY', [...bad, '…'].join('\n'))
  }
  if (line === 0)
    throw new ChatspecError('BAD_HISTORY', `${nameOf(path)} is empty; allowed: a history, see HISTORY.md`)
  if (bad.length > 0) throw new ChatspecError('BAD_HISTORY', bad.join('\n'))
  return line
}

/** Without their ends; what follows the last end is a line only if it is not empty. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunksOf(path)) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = pieces.pop() ?? ''
    for (const piece of pieces) yield piece
    if (rest.length > maxLineLength)
      throw new ChatspecError(
        'BAD_HISTORY',
        `${nameOf(path)}: a line is longer than ${maxLineLength} characters`,
      )
  }
  if (rest !== '') yield rest
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  if (path === standardInput) yield* process.stdin as AsyncIterable<Buffer>
  else {
    try {
      const file = await open(path)
      yield* file.createReadStream({ highWaterMark: 262_144 }) as AsyncIterable<Buffer>
    } catch (cause) {
      if (!(cause instanceof Error && 'syscall' in cause)) throw cause
      throw new ChatspecError('NO_HISTORY', `history ${path}: ${cause.message}`, { cause })
    }
  }
}

function nameOf(path: string): string {
  return path === standardInput ? 'standard input' : path
}
