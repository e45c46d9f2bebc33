// An append-only list that can be waited on: take the next match until a deadline, lose nothing in between.

export type Taken<T> = { ok: true; value: T } | { ok: false; why: 'deadline' | 'ended' }

interface Waiter<T> {
  match(value: T): boolean
  settle(taken: Taken<T>): void
}

export class Inbox<T> {
  /** Everything that ever arrived, in order. */
  readonly all: T[] = []
  #untaken: T[] = []
  #waiters: Waiter<T>[] = []
  #ended = false

  push(value: T): void {
    this.all.push(value)
    const index = this.#waiters.findIndex((waiter) => waiter.match(value))
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1)
    if (waiter) waiter.settle({ ok: true, value })
    else this.#untaken.push(value)
  }

  /** Nothing more will come: whoever waits is told at once. */
  end(): void {
    this.#ended = true
    for (const waiter of this.#waiters.splice(0)) waiter.settle({ ok: false, why: 'ended' })
  }

  /** The first value that matches and that no earlier `take` got; values that do not match stay for others. */
  take(match: (value: T) => boolean, withinMs: number): Promise<Taken<T>> {
    const index = this.#untaken.findIndex(match)
    const [value] = index < 0 ? [] : this.#untaken.splice(index, 1)
    if (value !== undefined) return Promise.resolve({ ok: true, value })
    if (this.#ended) return Promise.resolve({ ok: false, why: 'ended' })
    return new Promise((resolve) => {
      const waiter: Waiter<T> = {
        match,
        settle(taken) {
          clearTimeout(timer)
          resolve(taken)
        },
      }
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        waiter.settle({ ok: false, why: 'deadline' })
      }, withinMs)
      this.#waiters.push(waiter)
    })
  }
}
