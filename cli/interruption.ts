// Ctrl-C ends a run early with what is known so far; a second one ends the process.
import { exitCodes } from './exit.ts'

export async function interruptibly<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController()
  const interrupt = (): void => {
    if (interruption.signal.aborted) process.exit(exitCodes.failed)
    interruption.abort()
  }
  process.on('SIGINT', interrupt)
  try {
    return await run(interruption.signal)
  } finally {
    process.off('SIGINT', interrupt)
  }
}
