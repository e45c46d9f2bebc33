// Reads SPEC.md: its normative sentences, its examples and its tables, for the tests that hold it against the code.
import { readFileSync } from 'node:fs'

export interface Sentence {
  id: string
  /** Anchor of the `##` heading above it. */
  section: string
  text: string
}

export interface Example {
  /** First word of the info string: `jsonl`, `hex`, … */
  language: string
  /** The others: `client`, or `refused`, a rule and a code. */
  words: string[]
  body: string
  line: number
}

export const specText = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8')
export const specLines = specText.split('\n')

const sentenceStart = /^- \*\*\[([A-Z]{2,4}-\d{2})\]\*\* (.+)$/

/** The sentence in a line of SPEC.md, if it is one. */
export function sentenceIn(line: string): { id: string; text: string } | undefined {
  const [, id, text] = sentenceStart.exec(line) ?? []
  return id !== undefined && text !== undefined ? { id, text } : undefined
}

/** Every list item that begins with an id, in the order of the document. */
export function readSentences(): Sentence[] {
  let section = ''
  const sentences: Sentence[] = []
  for (const line of specLines) {
    if (line.startsWith('## ')) section = anchorOf(line.slice(3))
    const sentence = sentenceIn(line)
    if (sentence) sentences.push({ ...sentence, section })
  }
  return sentences
}

/** Every fenced block. */
export function readExamples(): Example[] {
  const examples: Example[] = []
  for (let i = 0; i < specLines.length; i++) {
    const [, info] = /^```(\S.*)$/.exec(specLines[i] as string) ?? []
    if (info === undefined) continue
    const [language = '', ...words] = info.split(' ')
    const end = specLines.indexOf('```', i)
    examples.push({ language, words, body: specLines.slice(i + 1, end).join('\n'), line: i + 1 })
    i = end
  }
  return examples
}

/** The rows below the first table head under a heading, cells trimmed; `nth` counts tables from 0. */
export function readTable(heading: string, nth = 0): string[][] {
  const start = specLines.indexOf(heading)
  if (start < 0) throw new Error(`SPEC.md has no heading ${heading}`)
  const level = (heading.match(/^#+/) as RegExpMatchArray)[0].length
  const end = specLines.findIndex((line, i) => i > start && new RegExp(`^#{1,${level}} `).test(line))
  const lines = specLines.slice(start + 1, end < 0 ? undefined : end)
  const rules = lines.flatMap((line, i) => (/^\|[-:| ]+\|$/.test(line) ? [i] : []))
  const rule = rules[nth]
  if (rule === undefined) throw new Error(`${heading} has no table number ${nth}`)
  const rows = lines.slice(rule + 1)
  return rows
    .slice(
      0,
      Math.max(
        0,
        rows.findIndex((line) => !line.startsWith('|')),
      ),
    )
    .map(cellsOf)
}

export function headings(): string[] {
  return specLines.filter((line) => /^#{1,6} /.test(line))
}

/** The anchor that GitHub gives to a heading's text. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replace(/ /g, '-')
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())
}
