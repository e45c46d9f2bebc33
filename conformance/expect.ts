// Checks: each compares what was seen with what was allowed, and says both in words.
import { closes, type CloseName, type ErrorName, errors } from '../protocol/index.ts'
import { firstDifference, isEqual, render } from './difference.ts'
import { type Checked, clause, fail, type Fault, type Outcome, pass, unknown } from './outcome.ts'
import type { Reply } from './match.ts'
import { summarize } from './trace.ts'
import type { Upgrade } from './upgrade.ts'
import { describeEnd, type Ended } from './ending.ts'

/** A longer value is not shown as a whole but where it differs. */
const shownLength = 60

/** Deep equality; `what` names the thing compared. */
export function expectEqual(what: string, actual: unknown, expected: unknown): Checked {
  const wanted = `${what}: ${render(expected)}`
  if (isEqual(actual, expected)) return pass(wanted)
  const seen = render(actual)
  return fail(
    wanted,
    seen.length < shownLength ? `${what}: ${seen}` : `${what}${firstDifference(actual, expected)}`,
  )
}

export function expectOneOf(what: string, actual: unknown, allowed: readonly unknown[]): Checked {
  const isAllowed = allowed.some((one) => isEqual(actual, one))
  return verdict(isAllowed, `${what}: one of ${allowed.map(render).join(', ')}`, `${what}: ${render(actual)}`)
}

/** A fact that is true or not; `actual` is what was seen. */
export function expectThat(what: string, isTrue: boolean, actual: unknown = isTrue): Checked {
  return verdict(isTrue, what, render(actual))
}

/** `lowest <= actual <= highest`, all in the unit that `what` names. */
export function expectBetween(what: string, actual: number, lowest: number, highest: number): Checked {
  const isInside = actual >= lowest && actual <= highest
  return verdict(isInside, `${what}: from ${round(lowest)} to ${round(highest)}`, `${what}: ${round(actual)}`)
}

/** None of `frames` is of `type` (and matches `where`): what a fence proves. */
export function expectNone<F extends { type: string }, T extends F['type']>(
  frames: readonly F[],
  type: T,
  where: (frame: Extract<F, { type: T }>) => boolean = () => true,
): Checked {
  const isOne = (frame: F): frame is Extract<F, { type: T }> => frame.type === type
  const found = frames.filter(isOne).filter(where)
  const actual =
    found.length === 0 ? 'none' : `${found.length}: ${found.slice(0, 3).map(summarize).join('; ')}`
  return verdict(found.length === 0, `no such ${type}`, actual)
}

/** All observers saw the same. */
export function expectSame(what: string, seen: Readonly<Record<string, unknown>>): Checked {
  const values = Object.values(seen)
  const isSame = values.every((value) => isEqual(value, values[0]))
  const actual = Object.entries(seen).map(([who, value]) => `${who}: ${render(value)}`)
  return verdict(isSame, `the same ${what} everywhere: ${render(values[0])}`, actual.join('; '))
}

/** Each number is larger than the one before. */
export function expectIncreasing(what: string, numbers: readonly number[]): Checked {
  const at = numbers.findIndex((value, index) => index > 0 && value <= (numbers[index - 1] ?? value))
  const actual =
    at < 0 ? `${numbers.length} in order` : `${numbers[at - 1]}, then ${numbers[at]} (position ${at + 1})`
  return verdict(at < 0, `${what}: strictly increasing`, `${what}: ${actual}`)
}

/** `first`, `first` + 1, … without a hole and without a repeat. */
export function expectDense(what: string, numbers: readonly number[], first = 1): Checked {
  const at = numbers.findIndex((value, index) => value !== first + index)
  const actual =
    at < 0
      ? `${numbers.length} without a hole`
      : `${numbers[at]} instead of ${first + at} (position ${at + 1})`
  return verdict(at < 0, `${what}: ${first}, ${first + 1}, … without hole or repeat`, `${what}: ${actual}`)
}

/** An `error` with one of these names; a `name` or `retryable` that is not the table's breaks [ERR-01]. */
export function expectError(reply: Reply, names: ErrorName | readonly ErrorName[], mentions = ''): Checked {
  const allowed = typeof names === 'string' ? [names] : names
  const wanted = `error ${allowed.map((name) => `${errors[name].code} ${name}`).join(' or ')}`
  const expected = mentions ? `${wanted} that names "${mentions}"` : wanted
  const actual = summarize(reply)
  const name = reply.type === 'error' && allowed.find((one) => errors[one].code === reply.code)
  if (!name || !reply.message.includes(mentions)) return fail(expected, actual)
  const { code, retryable } = errors[name]
  if (reply.name === name && reply.retryable === retryable) return pass(expected, actual)
  return clause(
    'ERR-01',
    fail(`code=${code} name="${name}" retryable=${retryable}, a row of the table`, actual),
  )
}

/** The answer is no refusal, and is of `type`. */
export function expectAnswer(reply: Reply, type: Reply['type']): Checked {
  return verdict(reply.type === type, type, summarize(reply))
}

/**
 * The connection ended with one of these codes, and a `bye` before it said the same. Bare numbers are
 * closes by the WebSocket layer itself, which come without `bye`; a `bye` that is missing breaks [ERR-09].
 */
export function expectClose(
  end: Ended | undefined,
  allowed: CloseName | readonly (CloseName | number)[],
): Checked {
  const list = typeof allowed === 'string' ? [allowed] : allowed
  const names = list.map((one) => (typeof one === 'number' ? `${one}` : `${closes[one].code} ${one}`))
  const expected = `bye and close ${names.join(' or ')}`
  if (!end) return fail(expected, 'the connection stayed open', 'silent')
  const actual = `${end.bye ? `bye ${end.bye.code}` : 'no bye'}, ${describeEnd(end)}`
  const right = list.find((one) => end.code === (typeof one === 'number' ? one : closes[one].code))
  if (right === undefined) return fail(expected, actual, end.how === 'reset' ? 'reset' : 'wrong')
  if (typeof right === 'number' || end.bye?.code === end.code) return pass(expected, actual)
  return clause('ERR-09', fail(expected, actual))
}

/** The upgrade was answered with this HTTP status. */
export function expectRefused(upgrade: Upgrade, status: number): Checked {
  const actual = upgrade.kind === 'failed' ? `no answer: ${upgrade.detail}` : `HTTP ${upgrade.status}`
  return verdict(upgrade.kind === 'refused' && upgrade.status === status, `HTTP ${status}`, actual)
}

/** What it means that no connection came about where one should. */
export function turnedAway(answer: Exclude<Upgrade, { kind: 'open' }>): Outcome {
  // [VAR-20] A server may turn away a connection while it protects itself.
  if (answer.kind === 'refused' && answer.status === 503)
    return unknown('the server takes no connections for now: HTTP 503')
  if (answer.kind === 'refused')
    return clause('AUTH-12', fail('an upgrade to WebSocket', `HTTP ${answer.status}`))
  const faults: Record<string, Fault> = { TIMEOUT: 'silent', CLOSED: 'closed', ECONNRESET: 'reset' }
  const fault = answer.at === 'answer' ? (faults[answer.code] ?? 'wrong') : 'gone'
  return clause('AUTH-12', fail('an upgrade to WebSocket', `no answer: ${answer.detail}`, fault))
}

function verdict(isRight: boolean, expected: string, actual: string): Checked {
  return isRight ? pass(expected, actual) : fail(expected, actual)
}

function round(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(1)
}
