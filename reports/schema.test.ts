// report.schema.json describes report.json: what runs really give, and nothing else.
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { schemaVersion, verdicts } from '../conformance/result.ts'
import { runFake } from '../conformance/testing/run-fake.ts'
import { renderJson } from './json.ts'
import { conformantResult, sampleResult } from './testing/sample-result.ts'

const schema = JSON.parse(readFileSync(new URL('./report.schema.json', import.meta.url), 'utf8'))
const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  allErrors: true,
  formats: { 'date-time': true },
})
const validate = ajv.compile(schema)

function defects(text: string): string[] {
  if (validate(JSON.parse(text))) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

describe('report.schema.json', () => {
  it('accepts the samples', () => {
    expect(defects(renderJson(sampleResult))).toEqual([])
    expect(defects(renderJson(conformantResult))).toEqual([])
  })

  it.each([
    undefined,
    'silent-send',
    'resets-on-send',
    'swaps-seqs',
    'masks-messages',
    'mistypes-sent',
  ] as const)(
    'accepts the result of a run against a server with the defect %s',
    { timeout: 60_000 },
    async (defect) => {
      const about = { reason: 'known', link: 'https://chat.example/7', expires: '2999-12-31' }
      const kept: string[] = []
      const options = {
        onHistory: (file: string) => kept.push(file),
        baseline: [{ case: 'ordering/pipelined-sends-keep-their-order', ...about }],
      }
      const result = await runFake(defect === undefined ? {} : { defect }, options)
      expect(defects(renderJson(result))).toEqual([])
      expect(result.cases.flatMap(({ history }) => history?.file ?? []).sort()).toEqual(kept.sort())
    },
  )

  it('names the version and the verdicts that the code has', () => {
    const { result, verdict } = schema.$defs
    expect(result.properties.schemaVersion.const).toBe(schemaVersion)
    expect([...verdict.enum].sort()).toEqual([...verdicts].sort())
  })

  it('refuses what no run gives', () => {
    const [first, ...others] = sampleResult.cases
    const wrong: [object, RegExp][] = [
      [{ ...sampleResult, schemaVersion: 2 }, /schemaVersion must be equal to constant/],
      [{ ...sampleResult, verdict: 'fine' }, /verdict must be equal to one of/],
      [{ ...sampleResult, colour: 'red' }, /must NOT have additional properties/],
      [
        { ...sampleResult, cases: [{ ...first, rules: ['ack-1'] }, ...others] },
        /rules\/0 must match pattern/,
      ],
      [{ ...sampleResult, counts: {} }, /must have required property/],
    ]
    for (const [result, message] of wrong) expect(defects(JSON.stringify(result)).join('\n')).toMatch(message)
  })
})
