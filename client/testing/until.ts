// Waiting for a condition, with a deadline that says what did not come.

export async function until(what: string, condition: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endsAtMs = performance.now() + deadlineMs
  while (!condition()) {
    if (performance.now() > endsAtMs) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
