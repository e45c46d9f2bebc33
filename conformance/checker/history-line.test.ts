// Lines of a history file: every kind of event is read back, and everything else refused with its reason.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventFields } from './event-fields.ts'
import { formatHistoryLine, parseHistoryLine } from './history-line.ts'

/** The examples that stand beside the event types. */
const documented = ['events.ts', 'written-events.ts', 'seen-events.ts'].map((file) =>
  readFileSync(new URL(file, import.meta.url), 'utf8'),
)
const examples = [...documented.join('\n').matchAll(/@example (\{.*\})/g)].map(([, json = '']) => json)
const header = '{"kind":"header","format":"chatspec-history","version":1}'

function detailOf(text: string, line = 2): string {
  const parsed = parseHistoryLine(text, line)
  return parsed.ok ? 'accepted' : parsed.detail
}

describe('parseHistoryLine', () => {
  it('reads an example of every kind, and writes it back as it was', () => {
    const kinds = examples.map((text) => {
      const parsed = parseHistoryLine(text, text.includes('"header"') ? 1 : 2)
      if (!parsed.ok) throw new Error(`${text}: ${parsed.detail}`)
      expect(formatHistoryLine(parsed.event)).toBe(text)
      return parsed.event.kind
    })
    expect(new Set(kinds)).toEqual(new Set(Object.keys(eventFields)))
  })

  it('names the line', () => {
    expect(parseHistoryLine('{}', 17)).toMatchObject({ ok: false, line: 17 })
  })

  const quiet = '{"kind":"quiet","ms":20}'
  const refusals: [text: string, line: number, detail: RegExp][] = [
    ['', 2, /^"" arrived, a JSON object is allowed$/],
    ['{"kind":', 2, /arrived, a JSON object is allowed$/],
    ['null', 2, /a JSON object is allowed$/],
    ['[]', 2, /a JSON object is allowed$/],
    ['{"kind":"toString","ms":1}', 2, /^kind: "toString" arrived, header, base, .* are allowed$/],
    ['{"ms":1}', 2, /^kind: nothing arrived/],
    [quiet, 1, /the first line is the header/],
    [header, 2, /a header arrived after line 1/],
    [header.replace('1}', '2}'), 1, /^version: 2 arrived, 1 is allowed$/],
    [header.replace('1}', '2,"later":true}'), 1, /^version: 2 arrived, 1 is allowed$/],
    [quiet.replace('20', '-1'), 2, /^ms: -1 arrived, a number of milliseconds from 0 is allowed$/],
    [quiet.replace('20', '"20"'), 2, /^ms: "20" arrived/],
    [quiet.replace('20', '20,"__proto__":1'), 2, /^__proto__ arrived, ms are allowed$/],
    [quiet.replace('20', 'null'), 2, /^ms: null arrived/],
    [
      exampleOf('deliver').replace('"seq":42', '"seq":1.5'),
      2,
      /^seq: 1.5 arrived, an integer from 0 to 2\^53-1 is/,
    ],
    [exampleOf('deliver').replace('"seq":42,', ''), 2, /^seq: nothing arrived/],
    [
      exampleOf('live').replace('}', ',"id":"4"}'),
      2,
      /^id: "4" arrived, an integer .*, or nothing, is allowed$/,
    ],
    [
      exampleOf('receipt').replace('"read"', '"seen"'),
      2,
      /^mark: "seen" arrived, delivered or read is allowed$/,
    ],
    [exampleOf('page').replace('"from":"alice"', '"from":7'), 2, /^items: .* a list of \{seq, from, msgId/],
    [
      exampleOf('sync').replace('"seq":41', '"seq":-1'),
      2,
      /^cursors: .* a list of \{conv, epoch, seq\} is allowed$/,
    ],
  ]
  it.each(refusals)('refuses %s at line %i', (text, line, detail) => {
    expect(detailOf(text, line)).toMatch(detail)
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.nat(), (text, line) => {
        parseHistoryLine(text, line)
      }),
    )
  })
})

function exampleOf(kind: string): string {
  return examples.find((text) => text.includes(`"kind":"${kind}"`)) ?? ''
}
