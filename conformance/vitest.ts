// `import { conformance } from 'chatspec/vitest'`: the suite as tests of a server's own Vitest project, one per case.
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Encoding } from '../protocol/index.ts'
import { readBaseline } from './baseline.ts'
import { cases as allCases } from './cases/index.ts'
import { explainFailure } from './explain-failure.ts'
import { type CaseResult, type ConformanceResult, isStale } from './result.ts'
import { type RunOptions, runConformance, select } from './run.ts'
import { resolveTarget, type TargetDescriptor } from './target.ts'

export interface ConformanceTests
  extends Pick<
    RunOptions,
    'profile' | 'encodings' | 'only' | 'seed' | 'cases' | 'concurrency' | 'deadlineMs'
  > {
  /** Where the server is, or a function that starts it; it is called once, before the first test. */
  target: TargetDescriptor | (() => TargetDescriptor | Promise<TargetDescriptor>)
  /** Path of a baseline file. */
  baseline?: string
  /** Of the whole suite of tests; default `chatspec/1`. */
  title?: string
  /** Stops what `target` started. */
  stop?: () => unknown
}

const profileTimeoutsMs = { quick: 120_000, default: 300_000, full: 900_000 } as const

/**
 * Declares one test for each case and encoding. A broken MUST, or trouble of the judge, fails its test; what the server
 * does not promise, what cannot be tested and what is known to fail is skipped with its reason.
 */
export function conformance(options: ConformanceTests): void {
  const { title = 'chatspec/1', profile = 'default', encodings = ['json', 'cbor'], only, stop } = options
  const chosen = select(options.cases ?? allCases, profile, only)
  describe(title, () => {
    const run = new SharedRun(options)
    beforeAll(() => run.start(), profileTimeoutsMs[profile])
    afterAll(() => stop?.())
    for (const one of chosen)
      for (const encoding of one.encodings.filter((name) => encodings.includes(name)))
        test(`${one.id} (${encoding}) ${one.rules.join(', ')}`, ({ skip }) => {
          const result = run.resultOf(one.id, encoding)
          const { verdict, reason } = result
          if (verdict === 'fail' || verdict === 'harness-error' || verdict === 'unknown')
            throw explainFailure(result)
          if (verdict !== 'pass' && verdict !== 'warn') skip(`${verdict}: ${reason}`)
        })
    if (options.baseline !== undefined) test('the baseline is up to date', () => run.judgeBaseline())
  })
}

/** All cases run together, a few at a time, as on the command line; the tests only look at their results. */
class SharedRun {
  readonly #options: ConformanceTests
  #result: ConformanceResult | undefined

  constructor(options: ConformanceTests) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { target, baseline, title: _title, stop: _stop, ...options } = this.#options
    const described = resolveTarget(typeof target === 'function' ? await target() : target)
    const known = baseline === undefined ? {} : { baseline: readBaseline(baseline) }
    this.#result = await runConformance(described, { ...options, ...known })
  }

  /** @throws Error if the run came to no such result */
  resultOf(id: string, encoding: Encoding): CaseResult {
    const found = this.#result?.cases.find((one) => one.id === id && one.encoding === encoding)
    if (found === undefined) throw new Error(`${id} (${encoding}) did not run`)
    return found
  }

  judgeBaseline(): void {
    const stale = this.#result?.baseline?.filter(isStale) ?? []
    if (stale.length === 0) return
    const lines = stale.map(({ status, ...entry }) => `${status}: ${JSON.stringify(entry)}`)
    throw new Error(`entries of the baseline that must go:\n${lines.join('\n')}`)
  }
}
