// The metrics page: names, units, values, and that two servers in one process do not share it.
import { describe, expect, it } from 'vitest'
import { Counters, createMetrics, type MetricsSource } from './metrics.ts'

describe('createMetrics', () => {
  it('reads the counters at the moment of asking', async () => {
    const { counters, page } = setUp()
    counters.accepted = 3
    expect(sample(await page(), 'chatspec_messages_accepted_total')).toBe(3)
    Object.assign(counters, { accepted: 5, delivered: 7, duplicates: 2, dropped: 1 })
    const text = await page()
    expect(sample(text, 'chatspec_messages_accepted_total')).toBe(5)
    expect(sample(text, 'chatspec_messages_delivered_total')).toBe(7)
    expect(sample(text, 'chatspec_duplicates_total')).toBe(2)
    expect(sample(text, 'chatspec_dropped_total')).toBe(1)
  })

  it('splits refusals, errors, closes and resumes by their label', async () => {
    const { counters, page } = setUp()
    for (const rule of ['FRM-04', 'FRM-04', 'FRM-05']) counters.countRefusal(rule)
    counters.countError(101)
    counters.countClose(4003)
    counters.countResume('lossless')
    const text = await page()
    expect(sample(text, 'chatspec_refusals_total{rule="FRM-04"}')).toBe(2)
    expect(sample(text, 'chatspec_refusals_total{rule="FRM-05"}')).toBe(1)
    expect(sample(text, 'chatspec_errors_total{code="101"}')).toBe(1)
    expect(sample(text, 'chatspec_closes_total{code="4003"}')).toBe(1)
    expect(sample(text, 'chatspec_resumes_total{outcome="lossless"}')).toBe(1)
    expect(sample(text, 'chatspec_resumes_total{outcome="lost"}')).toBe(0)
  })

  it('counts connections, sessions after welcome, and what they buffer', async () => {
    const { sessions, page } = setUp()
    sessions.add({ user: undefined, socket: { bufferedBytes: () => 10 } })
    sessions.add({ user: {}, socket: { bufferedBytes: () => 32 } })
    const text = await page()
    expect(sample(text, 'chatspec_connections')).toBe(2)
    expect(sample(text, 'chatspec_sessions')).toBe(1)
    expect(sample(text, 'chatspec_buffered_bytes')).toBe(42)
    expect(sample(text, 'chatspec_users')).toBe(1)
    expect(sample(text, 'chatspec_conversations')).toBe(0)
  })

  it('shows commits as cumulative histograms with inclusive bounds', async () => {
    const { counters, page } = setUp()
    counters.countCommit(1, 0.001)
    counters.countCommit(2, 0.0011)
    counters.countCommit(9_999, 60)
    const text = await page()
    expect(sample(text, 'chatspec_commit_seconds_bucket{le="0.0005"}')).toBe(0)
    expect(sample(text, 'chatspec_commit_seconds_bucket{le="0.001"}')).toBe(1)
    expect(sample(text, 'chatspec_commit_seconds_bucket{le="0.0025"}')).toBe(2)
    expect(sample(text, 'chatspec_commit_seconds_bucket{le="5"}')).toBe(2)
    expect(sample(text, 'chatspec_commit_seconds_bucket{le="+Inf"}')).toBe(3)
    expect(sample(text, 'chatspec_commit_seconds_sum')).toBeCloseTo(60.0021)
    expect(sample(text, 'chatspec_commit_seconds_count')).toBe(3)
    expect(sample(text, 'chatspec_commit_messages_bucket{le="1"}')).toBe(1)
    expect(sample(text, 'chatspec_commit_messages_sum')).toBe(10_002)
  })

  it('names the version, the uWebSockets.js build and the log', async () => {
    const text = await setUp().page()
    expect(text).toMatch(
      /^chatspec_build_info\{version="\d+\.\d+\.\d+[^"]*",uws="some-build 20.30.0",log="lmdb"\} 1$/m,
    )
  })

  it('has the metrics of the process', async () => {
    const text = await setUp().page()
    expect(sample(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
    expect(sample(text, 'nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0)
  })

  it('belongs to one server', async () => {
    const [one, two] = [setUp(), setUp()]
    one.counters.accepted = 1
    expect(sample(await one.page(), 'chatspec_messages_accepted_total')).toBe(1)
    expect(sample(await two.page(), 'chatspec_messages_accepted_total')).toBe(0)
  })

  it('is well-formed: every sample has a help and a type, every counter ends in _total', async () => {
    const { counters, page } = setUp()
    counters.countCommit(1, 0.001)
    const text = await page()
    expect(text.endsWith('\n')).toBe(true)
    const types = new Map(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
    )
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(samples.length).toBeGreaterThan(40)
    for (const line of samples) {
      expect(line).toMatch(
        /^[a-z0-9_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (-?\d+(\.\d+)?(e[+-]?\d+)?|\+Inf|Nan)$/,
      )
      const name = line.split(/[{ ]/)[0] ?? ''
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
      expect(types.has(family), name).toBe(true)
      expect(text).toContain(`# HELP ${family} `)
      if (types.get(family) === 'counter') expect(name).toMatch(/_total$/)
    }
  })
})

function setUp() {
  const counters = new Counters()
  const sessions = new Set<{ user: object | undefined; socket: { bufferedBytes(): number } }>()
  const source: MetricsSource = {
    counters,
    sessions,
    users: new Map([['alice', {}]]),
    conversations: new Map(),
    log: { kind: 'lmdb' },
  }
  return { counters, sessions, page: createMetrics(source, 'some-build 20.30.0') }
}

function sample(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
  if (line === undefined) throw new Error(`${series} is not on the page`)
  return Number(line.slice(series.length + 1))
}
