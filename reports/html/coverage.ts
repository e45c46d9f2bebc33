// The end of the page: which sentences of SPEC.md this run looked at, and how they fared.
import type { ConformanceResult } from '../../conformance/result.ts'
import { describeSet, verdictLabels, verdictOfRules } from '../summary.ts'
import { html, type Markup } from './markup.ts'

export function renderCoverage(result: ConformanceResult): Markup {
  const { cases, coverage } = result
  const { tested, untested } = coverage
  const total = tested.length + untested.length
  const percent = total === 0 ? 0 : (100 * tested.length) / total
  const fared = verdictOfRules(cases)
  const testedChips = tested.map((rule) => {
    const verdict = fared.get(rule) ?? 'pass'
    return html`<li class="v-${verdict}">${verdictLabels[verdict].mark} ${rule}</li> `
  })
  const untestedChips = untested.map((rule) => html`<li>${rule}</li> `)
  return html`<section class="coverage"><h2 id="coverage">Clauses <small>${tested.length} of ${total} tested</small></h2>
<p>The sentences of SPEC.md that oblige a server, by what this run found out about each. ${describeSet(result)}</p>
<div class="bar" aria-hidden="true"><span class="v-pass" style="flex-grow:${percent.toFixed(1)}"></span><span style="flex-grow:${(100 - percent).toFixed(1)}"></span></div>
<ul class="chips">${testedChips}</ul>
${untested.length === 0 ? undefined : html`<details><summary>${untested.length} not tested in this run</summary><ul class="chips">${untestedChips}</ul></details>`}
</section>`
}
