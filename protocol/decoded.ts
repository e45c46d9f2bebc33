// What decoding gives: a message, or a refusal that says which rule was broken, what arrived and what was allowed.
import type { AnyMessage, RequestId } from './messages.ts'

/** Id of a normative sentence of SPEC.md, e.g. `FRM-04`. */
export type RuleId = string

export interface Refusal {
  ok: false
  rule: RuleId
  /** What arrived and what was allowed; never content, never a token. */
  detail: string
  /** From `errors` (below 1000: answer with `error`) or `closes` (from 1000: say `bye` and close). */
  code: number
  /** Of the refused request, if they could be read: they name it in the answer. */
  id?: RequestId
  msgId?: string
}

export type Decoded<M extends AnyMessage> = { ok: true; message: M } | Refusal
