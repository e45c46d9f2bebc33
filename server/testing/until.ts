// Waiting for a condition, never for a time: looks again and again, and fails at a deadline with what was seen.

/** Far above what a busy machine needs, far below the timeout of a test. */
export const deadlineMs = 15_000

export type Look<T> = () => T | undefined | Promise<T | undefined>

/** Resolves with the first value that is not undefined. @throws Error that says what never came. */
export async function until<T>(what: string, look: Look<T>, withinMs = deadlineMs): Promise<T> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
