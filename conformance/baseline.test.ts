// Known failures: what an entry hides, what it does not, and when it is a failure itself.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { temporaryFolder } from '../cli/testing/command.ts'
import { readBaseline, resolveBaseline } from './baseline.ts'
import { clause, fail, pass, unknown } from './outcome.ts'
import { exitCode } from './result.ts'
import { probeCase, runFake } from './testing/run-fake.ts'

const about = { reason: 'it is being mended', link: 'https://chat.example/bugs/7', expires: '2999-12-31' }
const broken = probeCase({ run: async () => fail('a', 'b') })
const both = probeCase({
  rules: ['ACK-01', 'ACK-03'],
  run: async () => [clause('ACK-01', fail('a', 'b')), clause('ACK-03', fail('c', 'd'))],
})

describe('an entry', () => {
  it.each([
    { rule: 'ACK-01' },
    { case: 'acks/probe' },
    { rule: 'ACK-01', case: 'acks/probe', encoding: 'json' as const },
  ])('that names %j makes the failure a known one', async (names) => {
    const result = await runFake({}, { cases: [broken], baseline: [{ ...names, ...about }] })
    expect(result).toMatchObject({ verdict: 'known-failures', baseline: [{ status: 'holds' }] })
    expect(result.cases[0]).toMatchObject({
      verdict: 'known-failure',
      reason: 'it is being mended (https://chat.example/bugs/7, until 2999-12-31)',
    })
    expect(exitCode(result)).toBe(0)
  })

  it.each([{ rule: 'ACK-02' }, { case: 'acks/other' }, { rule: 'ACK-01', encoding: 'cbor' as const }])(
    'that names %j leaves another failure as it was, and matches nothing',
    async (names) => {
      const result = await runFake({}, { cases: [broken], baseline: [{ ...names, ...about }] })
      expect(result).toMatchObject({ verdict: 'not-conformant', baseline: [{ status: 'matches-nothing' }] })
    },
  )

  it('of one rule does not hide that a second one is broken in the same case', async () => {
    const known = { rule: 'ACK-01', ...about }
    const result = await runFake({}, { cases: [both], baseline: [known] })
    expect(result).toMatchObject({ verdict: 'not-conformant', baseline: [{ status: 'holds' }] })
    const all = await runFake({}, { cases: [both], baseline: [known, { ...known, rule: 'ACK-03' }] })
    expect(all.verdict).toBe('known-failures')
  })

  it('that passes is a failure itself', async () => {
    const result = await runFake({}, { cases: [probeCase()], baseline: [{ rule: 'ACK-01', ...about }] })
    expect(result).toMatchObject({ verdict: 'stale-baseline', baseline: [{ status: 'passes' }] })
    expect(exitCode(result)).toBe(1)
  })

  it('that has expired hides nothing and is a failure itself', async () => {
    const old = { rule: 'ACK-01', ...about, expires: '2001-01-01' }
    const failing = await runFake({}, { cases: [broken], baseline: [old] })
    expect(failing).toMatchObject({ verdict: 'not-conformant', baseline: [{ status: 'expired' }] })
    const passing = await runFake({}, { cases: [probeCase()], baseline: [old] })
    expect(passing).toMatchObject({ verdict: 'stale-baseline', baseline: [{ status: 'expired' }] })
  })

  it('is good until the end of its last day', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const result = await runFake(
      {},
      { cases: [broken], baseline: [{ rule: 'ACK-01', ...about, expires: today }] },
    )
    // At midnight the day of the run may be the next one.
    if (result.started.startsWith(today)) expect(result.verdict).toBe('known-failures')
  })

  it('for a case that this run leaves out is not judged', async () => {
    const cases = [probeCase(), { ...broken, id: 'acks/other' }]
    const result = await runFake(
      {},
      { cases, only: ['acks/probe'], baseline: [{ case: 'acks/other', ...about }] },
    )
    expect(result).toMatchObject({ verdict: 'conformant', baseline: [{ status: 'not-run' }] })
  })

  it('for a case that stayed open is undecided, and for one that does not apply matches nothing', async () => {
    const baseline = [{ case: 'acks/probe', ...about }]
    const open = await runFake({}, { cases: [probeCase({ run: async () => unknown('late') })], baseline })
    expect(open).toMatchObject({ verdict: 'undecided', baseline: [{ status: 'undecided' }] })
    const cases = [
      probeCase({ needs: ['history'] }),
      probeCase({ id: 'acks/other', run: async () => pass('a') }),
    ]
    const other = await runFake({}, { cases, baseline })
    expect(other).toMatchObject({ verdict: 'stale-baseline', baseline: [{ status: 'matches-nothing' }] })
  })
})

describe('a baseline file', () => {
  const whole = { rule: 'ACK-01', ...about }
  const refusals: [given: unknown, message: string][] = [
    [{}, 'baseline: {} arrived, a list of'],
    [['x'], 'baseline, entry 1: "x" arrived, an object is allowed'],
    [
      [whole, { ...whole, rule: undefined }],
      'baseline, entry 2, rule and case: nothing arrived, one or both is allowed',
    ],
    [
      [{ ...whole, until: 1 }],
      'entry 1, field: "until" arrived, rule, case, encoding, reason, link, expires is allowed',
    ],
    [[{ ...whole, reason: ' ' }], 'entry 1, reason: " " arrived, a text is allowed'],
    [[{ ...whole, link: 'bug 7' }], 'entry 1, link: "bug 7" arrived, a URL is allowed'],
    [[{ ...whole, encoding: 'xml' }], 'entry 1, encoding: "xml" arrived, json or cbor is allowed'],
    ...['2026-02-30', '31.12.2026', '2026', 5, undefined].map((expires): [unknown, string] => [
      [{ ...whole, expires }],
      `entry 1, expires: ${JSON.stringify(expires) ?? 'nothing'} arrived, a day like 2026-12-31 is allowed`,
    ]),
  ]
  it.each(refusals)('is refused: %j', (given, message) => {
    expect(() => resolveBaseline(given)).toThrow(message)
  })

  test('is named when it is missing or no JSON', () => {
    expect(() => readBaseline('none.json')).toThrow('baseline none.json: ENOENT')
    const path = join(temporaryFolder(), 'known.json')
    writeFileSync(path, '[')
    expect(() => readBaseline(path)).toThrow(`baseline ${path}: `)
    writeFileSync(path, JSON.stringify([whole]))
    expect(readBaseline(path)).toEqual([whole])
  })
})
