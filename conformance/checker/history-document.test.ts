// HISTORY.md says what the parser does.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { checkHistory } from './checker.ts'
import { eventFields } from './event-fields.ts'
import { parseHistoryLine } from './history-line.ts'

const text = readFileSync(new URL('./HISTORY.md', import.meta.url), 'utf8')
const common = ['ms', 'user', 'device', 'connection']

it('shows a history that is one, and keeps every rule', () => {
  const [, block = ''] = /```jsonl\n(.*?)\n```/s.exec(text) ?? []
  const events = block.split('\n').map((one, index) => {
    const parsed = parseHistoryLine(one, index + 1)
    if (!parsed.ok) throw new Error(parsed.detail)
    return parsed.event
  })
  expect(events.length).toBeGreaterThan(10)
  expect(checkHistory(events).verdict).toBe('pass')
})

it('has a row for every kind of event, with all of its fields', () => {
  const rows = [...text.matchAll(/^\| `((?!kind)\w+)` \| (.*?) \|/gm)].map(([, kind = '', fields = '']) => [
    kind,
    [...fields.matchAll(/`([\w?]+)`/g)].map(([, field]) => field),
  ])
  const wanted = Object.entries(eventFields).map(([kind, fields]) => [
    kind,
    Object.entries(fields)
      .filter(([name]) => !common.includes(name))
      .map(([name, { optional }]) => (optional ? `${name}?` : name)),
  ])
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(wanted))
})
