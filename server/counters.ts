// What the server counts while it works: plain numbers, read by the metrics when somebody asks.
// HOT PATH, guarded by bench/server.bench.ts

/** `replayed`: recovered with messages that were missed; `lost`: could not be recovered, and said so. */
export type ResumeOutcome = 'lossless' | 'replayed' | 'lost'

export class Counters {
  /** Sends that were answered with `sent` for the first time. */
  accepted = 0
  /** `msg` frames handed to sockets. */
  delivered = 0
  duplicates = 0
  /** Frames and replays that failed for a reason of ours: a defect, or a log that cannot be read. */
  failures = 0
  /** Frames that the socket layer threw away; each must end in a close. */
  dropped = 0
  readonly refusals = new Map<string, number>()
  readonly errors = new Map<number, number>()
  readonly closes = new Map<number, number>()
  readonly resumes: Record<ResumeOutcome, number> = { lossless: 0, replayed: 0, lost: 0 }
  readonly commitSeconds = new Buckets([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5])
  readonly commitMessages = new Buckets([1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000])

  countRefusal(rule: string): void {
    countIn(this.refusals, rule)
  }

  countError(code: number): void {
    countIn(this.errors, code)
  }

  countClose(code: number): void {
    countIn(this.closes, code)
  }

  countResume(outcome: ResumeOutcome): void {
    this.resumes[outcome] += 1
  }

  countCommit(messages: number, seconds: number): void {
    this.commitMessages.observe(messages)
    this.commitSeconds.observe(seconds)
  }
}

/** A histogram with fixed upper bounds. */
export class Buckets {
  /** Ascending, each inclusive; a last one without bound is implied. */
  readonly bounds: readonly number[]
  /** Values per bucket, not cumulative. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let index = 0
    while (index < this.bounds.length && value > (this.bounds[index] ?? 0)) index += 1
    this.counts[index] = (this.counts[index] ?? 0) + 1
    this.sum += value
  }
}

function countIn<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
