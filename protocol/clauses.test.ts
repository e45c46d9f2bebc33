// Holds SPEC.md and the clause catalogue together, both ways, and the sentences to their form.
import { describe, expect, it } from 'vitest'
import { type ClauseLevel, clauses } from './clauses.ts'
import {
  anchorOf,
  headings,
  readSentences,
  sentenceIn,
  specLines,
  specText,
} from './testing/spec-document.ts'

const sentences = readSentences()
const normative =
  /\b(MUST|MUST NOT|REQUIRED|SHALL|SHALL NOT|SHOULD|SHOULD NOT|RECOMMENDED|NOT RECOMMENDED|MAY|OPTIONAL)\b/
const levels: Readonly<Record<ClauseLevel, RegExp>> = {
  must: /\b(MUST|SHALL|REQUIRED)\b/,
  should: /\b(SHOULD|RECOMMENDED)\b/,
  may: /\b(MAY|OPTIONAL)\b/,
}

describe('the clause catalogue', () => {
  it('holds every sentence of SPEC.md, in its order and its words, and no other', () => {
    const inCode = clauses.map(({ id, section, text }) => ({ id, section, text }))
    expect(inCode).toEqual(sentences)
  })

  it('has no id twice', () => {
    const ids = clauses.map(({ id }) => id)
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
  })

  it('says the level of each sentence', () => {
    const stated = (text: string) =>
      (Object.keys(levels) as ClauseLevel[]).filter((level) => levels[level].test(text))
    const wrong = clauses.filter(({ level, text }) => stated(text).join() !== level)
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it('says the capability that each sentence begins with', () => {
    const stated = (text: string) => /^\(with capability `([^`]+)`\) /.exec(text)?.[1]
    const wrong = clauses.filter(({ capability, text }) => capability !== stated(text))
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it('gives client duties to clients and no other section to them alone', () => {
    const wrong = clauses.filter(
      ({ party, section }) => (party === 'client') !== (section === 'client-duties'),
    )
    expect(wrong.map(({ id }) => id)).toEqual([])
  })
})

describe('SPEC.md', () => {
  it('numbers the sentences of each group from 01 without a hole', () => {
    const groups = new Map<string, number[]>()
    for (const { id } of sentences) {
      const [group = '', number] = id.split('-')
      groups.set(group, [...(groups.get(group) ?? []), Number(number)])
    }
    for (const [group, numbers] of groups) {
      const dense = numbers.map((_, i) => i + 1)
      expect(
        numbers.sort((a, b) => a - b),
        group,
      ).toEqual(dense)
    }
  })

  it('says one sentence for each id', () => {
    const wrong = sentences.filter(({ text }) => !text.endsWith('.') || /[.!?] ["`(]*[A-Z]/.test(text))
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it('uses the normative words nowhere but in sentences with an id', () => {
    const stray = specLines.filter(
      (line) => normative.test(line) && !sentenceIn(line) && !line.startsWith('The key words "MUST", '),
    )
    expect(stray).toEqual([])
  })

  it('refers only to sentences that exist', () => {
    const named = [...specText.matchAll(/\[([A-Z]{2,4}-\d{2})\]/g)].map(([, id]) => id as string)
    expect(named.filter((id) => !clauses.some((clause) => clause.id === id))).toEqual([])
  })

  it('links only to headings that exist, and has no heading twice', () => {
    const anchors = headings().map((line) => anchorOf(line.replace(/^#+ /, '')))
    expect(anchors.filter((anchor, i) => anchors.indexOf(anchor) !== i)).toEqual([])
    const targets = [...specText.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor as string)
    expect(targets.filter((target) => !anchors.includes(target))).toEqual([])
  })
})
