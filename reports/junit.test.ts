// junit.xml: well-formed whatever is in it, and red exactly when something failed or stayed open.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderJunit } from './junit.ts'
import { anyText, resultWith } from './testing/nasty.ts'
import { conformantResult, sampleResult } from './testing/sample-result.ts'
import { xmlDefect } from './testing/xml.ts'

describe('renderJunit', () => {
  it('is well-formed XML for any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(xmlDefect(renderJunit(resultWith(text)))).toBeUndefined()
      }),
      { numRuns: 50 },
    )
  })

  it('counts what it lists', () => {
    const xml = renderJunit(sampleResult)
    const [, tests, failures, errors, skipped] =
      /tests="(\d+)" failures="(\d+)" errors="(\d+)" skipped="(\d+)"/.exec(xml) ?? []
    const count = (tag: string): string => String(xml.split(`<${tag} `).length - 1)
    expect({ tests, failures, errors, skipped }).toEqual({
      tests: count('testcase'),
      failures: count('failure'),
      errors: count('error'),
      skipped: count('skipped'),
    })
  })

  it('maps every verdict', () => {
    const xml = renderJunit(sampleResult)
    const bodyOf = (id: string): string =>
      new RegExp(`name="${id} [^>]*?(?:/>|>(.*?)</testcase>)`, 's').exec(xml)?.[1]?.trim() ?? ''
    expect(bodyOf('auth/unsigned-tokens-are-refused')).toBe('')
    expect(bodyOf('framing/a-server-that-writes-markup')).toMatch(/^<failure .*type="malformed">/)
    expect(bodyOf('framing/errors-name-the-field')).toMatch(/^<system-out>FRM-04 warn/)
    expect(bodyOf('groups/the-owner-adds-members')).toMatch(
      /^<skipped message="not-applicable: the server does not/,
    )
    expect(bodyOf('durability/kill-loses-nothing')).toMatch(
      /^<skipped message="untestable: the target has no hook/,
    )
    expect(bodyOf('limits/bursts-are-exact')).toMatch(
      /^<skipped message="known-failure: bursts are off by one/,
    )
    expect(bodyOf('heartbeat/a-silent-peer-is-closed')).toMatch(/^<error .*type="unknown"/)
    expect(bodyOf('presence/flapping-ends-online')).toMatch(/^<error .*type="harness-error"/)
  })

  it('has a failure for each entry of the baseline that must go', () => {
    expect(renderJunit(sampleResult)).toMatch(
      /name="AUTH-02" .*><failure message="it passes now: .*type="stale-baseline"/,
    )
  })

  it('has an error of its own for a run that was cut short', () => {
    expect(renderJunit(sampleResult)).toContain('<error message="interrupted" type="cut-short"/>')
    expect(renderJunit(conformantResult)).not.toContain('<error')
  })
})
