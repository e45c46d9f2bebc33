// What a look at a server found, on a terminal.
import { createColors } from 'picocolors'
import type { CapabilityVerdict, Measurement, SurveyResult } from '../conformance/index.ts'
import { plural, type TableStyle, wrap } from '../reports/index.ts'

const capabilityWords: Readonly<Record<CapabilityVerdict, string>> = {
  real: '✓ real',
  'only-declared': '✗ only declared',
  'not-shown': '? not shown',
  'not-declared': '– not declared',
}
const measurementWords: Readonly<Record<Measurement['verdict'], string>> = {
  'as-announced': '✓ as announced',
  differs: '✗ differs',
  'not-measured': '? not measured',
}

export function renderSurvey(result: SurveyResult, style: TableStyle): string {
  const { target, encoding, durationMs, cutShort, capabilities, measurements } = result
  const paint = createColors(style.colours)
  const facts = `${target.url}: speaks ${target.encodings.join(' and ')}, looked at in ${encoding}`
  const bad = [...capabilities, ...measurements].filter(
    ({ verdict }) => verdict === 'only-declared' || verdict === 'differs',
  )
  const ending =
    bad.length === 0
      ? paint.bold(paint.green('The server is what it says, as far as this look could see.'))
      : paint.bold(
          paint.red(`${plural(bad.length, 'promise')} not kept: ${bad.map(({ name }) => name).join(', ')}.`),
        )
  return `${[
    wrap(`${facts}, ${Math.round(durationMs / 1000)} s`, style.columns),
    capabilities.flatMap(({ name, verdict, detail }) => line(name, capabilityWords[verdict], detail, style)),
    measurements.flatMap(({ name, verdict, announced, found }) => [
      ...line(name, measurementWords[verdict], found, style),
      ...wrap(
        `${' '.repeat(indent)}announced: ${announced || 'nothing'}`,
        style.columns,
        ' '.repeat(indent),
      ).map(paint.dim),
    ]),
    [...(cutShort === undefined ? [] : [`The look ended early: ${cutShort}`]), ending],
  ]
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

const nameWidth = 30
const wordWidth = 18
const indent = nameWidth + wordWidth

function line(name: string, word: string, detail: string, { columns, colours }: TableStyle): string[] {
  const paint = createColors(colours)
  const paintWord = { '✓': paint.green, '✗': paint.red, '?': paint.magenta }[word.charAt(0)] ?? paint.dim
  const [first = '', ...others] = wrap(
    `${name.padEnd(nameWidth)}${word.padEnd(wordWidth)}${detail}`.trimEnd(),
    columns,
    ' '.repeat(indent),
  )
  return [first.replace(word, () => paintWord(word)), ...others]
}
