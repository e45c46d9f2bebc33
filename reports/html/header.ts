// The top of the page: the verdict, the facts of the run, what fell short, and what the server says of itself.
import type { CaseResult, ConformanceResult, OverallVerdict, Verdict } from '../../conformance/result.ts'
import {
  decisive,
  explain,
  isOpen,
  overallLabels,
  plural,
  duration,
  staleEntries,
  verdictLabels,
  verdictOrder,
} from '../summary.ts'
import { caseAnchor } from './groups.ts'
import { html, type Markup } from './markup.ts'

/** Whose colour and mark the verdict of all gets. */
export const overallVerdicts: Readonly<Record<OverallVerdict, Verdict>> = {
  conformant: 'pass',
  'known-failures': 'known-failure',
  'stale-baseline': 'fail',
  'not-conformant': 'fail',
  undecided: 'unknown',
  'harness-error': 'harness-error',
}

export function renderHeader(result: ConformanceResult): Markup {
  const verdict = overallVerdicts[result.verdict]
  return html`<header class="v-${verdict}">
<p class="kicker">chatspec/1 · conformance report</p>
<h1><span class="mark" aria-hidden="true">${verdictLabels[verdict].mark}</span>${overallLabels[result.verdict]}</h1>
<p class="url"><code>${result.target.url}</code></p>
<p class="lead">${explain(result)}</p>
${result.cutShort === undefined ? undefined : html`<p class="cut"><strong>The run ended early:</strong> ${result.cutShort}</p>`}
${renderStale(result)}
${renderBar(result.counts)}
${renderFacts(result)}
</header>`
}

/** Entries of the baseline that have to go. */
function renderStale(result: ConformanceResult): Markup {
  const items = staleEntries(result).map(({ name, why }) => html`<li><b>${name}</b>: ${why}</li>`)
  return items.length === 0
    ? html``
    : html`<div class="cut"><strong>Baseline:</strong><ul>${items}</ul></div>`
}

function renderBar(counts: ConformanceResult['counts']): Markup {
  const shown = verdictOrder.toReversed().filter((verdict) => counts[verdict] > 0)
  const parts = shown.map((verdict) => {
    const label = `${counts[verdict]} ${verdictLabels[verdict].word}`
    return html`<span class="v-${verdict}" style="flex-grow:${counts[verdict]}" title="${label}"></span>`
  })
  const legend = shown.map(
    (verdict) => html`<li class="v-${verdict}"><b>${counts[verdict]}</b> ${verdictLabels[verdict].word}</li>`,
  )
  return html`<div class="bar" aria-hidden="true">${parts}</div>
<ul class="legend">${legend}</ul>`
}

function renderFacts({
  profile,
  encodings,
  seed,
  started,
  durationMs,
  tool,
  environment,
  only,
  cases,
}: ConformanceResult): Markup {
  const facts: (readonly [string, string])[] = [
    ['Profile', `${profile}, ${plural(cases.length, 'case')}`],
    ...(only === undefined ? [] : [['Only', only.join(', ')] as const]),
    ['Encodings', encodings.join(', ')],
    ['Seed', String(seed)],
    ['Started', started.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['Took', duration(durationMs)],
    ['Judge', `${tool.name} ${tool.version}, Node ${environment.node}`],
    ['Machine', `${environment.platform}, ${environment.cpuCount} × ${environment.cpu}`],
  ]
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

/** What somebody has to look at, with links down into the tables. */
export function renderShortfalls({ cases }: ConformanceResult): Markup {
  const urgency = ({ verdict }: CaseResult): number => verdictOrder.indexOf(verdict)
  const open = cases.filter(isOpen).sort((a, b) => urgency(a) - urgency(b))
  if (open.length === 0) return html``
  const items = open.map((result) => {
    const { mark, word } = verdictLabels[result.verdict]
    const check = decisive(result)
    const rule = check?.rule ?? result.rules[0] ?? ''
    return html`
<li class="v-${result.verdict}"><span class="badge">${mark} ${word}</span><a href="#${caseAnchor(result)}"><b>${rule}</b> ${result.title}</a> <small>${result.encoding}</small></li>`
  })
  return html`<section class="shortfalls"><h2>What did not pass</h2><ul>${items}</ul></section>`
}

export function renderServer({ target }: ConformanceResult): Markup {
  const { capabilities, heartbeat, limits, encodings } = target
  const chips = capabilities.map((capability) => html`<li><code>${capability}</code></li>`)
  const numbers = Object.entries({ ...limits, ...heartbeat }).map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value.toLocaleString('en')}</dd></div>`,
  )
  return html`<section class="server"><h2>What the server promises</h2>
<p>Speaks ${encodings.join(' and ')}. What it does not declare is not tested.</p>
<ul class="chips">${chips}</ul>
<details><summary>Limits and heartbeat</summary><dl class="facts numbers">${numbers}</dl></details>
</section>`
}
