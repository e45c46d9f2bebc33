// When the state is stored: soon after it changed, one save at a time, and again if that failed.

export const saveTimes = {
  retryMs: 1_000,
  retryCapMs: 30_000,
} as const

export class Saver {
  /** Counts the changes of the state. */
  #version = 0
  #storedVersion = 0
  #savingVersion: number | undefined
  #dueAtMs = Number.POSITIVE_INFINITY
  #notBeforeMs = 0
  #failures = 0
  #isReady = false

  get storedVersion(): number {
    return this.#storedVersion
  }

  get isSettled(): boolean {
    return this.#savingVersion === undefined && this.#storedVersion === this.#version
  }

  /** The storage was read; a save before that would overwrite what it holds. */
  ready(): void {
    this.#isReady = true
  }

  /** The state changed and is to be stored by `byMs`. The result is its version. */
  changed(byMs: number): number {
    this.#dueAtMs = Math.min(this.#dueAtMs, byMs)
    this.#version += 1
    return this.#version
  }

  hurry(nowMs: number): void {
    this.#dueAtMs = nowMs
    this.#notBeforeMs = nowMs
  }

  /** True if the state has to be written now. */
  begin(nowMs: number): boolean {
    if (nowMs < this.deadlineMs()) return false
    this.#savingVersion = this.#version
    this.#dueAtMs = Number.POSITIVE_INFINITY
    return true
  }

  succeeded(): void {
    this.#storedVersion = this.#savingVersion ?? this.#storedVersion
    this.#savingVersion = undefined
    this.#failures = 0
  }

  failed(nowMs: number): void {
    this.#savingVersion = undefined
    this.#dueAtMs = nowMs
    this.#notBeforeMs = nowMs + Math.min(saveTimes.retryCapMs, saveTimes.retryMs * 2 ** this.#failures)
    this.#failures += 1
  }

  deadlineMs(): number {
    const isIdle = this.#isReady && this.#savingVersion === undefined && this.#version > this.#storedVersion
    return isIdle ? Math.max(this.#dueAtMs, this.#notBeforeMs) : Number.POSITIVE_INFINITY
  }
}
