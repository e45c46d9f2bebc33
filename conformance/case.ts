// What a case is: data about one or more sentences of SPEC.md, and a few lines that find out if a server keeps them.
import { ChatspecError, type Encoding, type RuleId } from '../protocol/index.ts'
import type { CaseContext } from './context.ts'
import type { Outcome } from './outcome.ts'

export type Profile = 'quick' | 'full'

/**
 * What a case cannot do without. A capability (`history`, `durability=fsync`, alternatives with `|`), or
 * `both-encodings`: not declared, or not spoken, means not applicable. `mint` (tokens with any claims), `hook:<name>`, `metrics`, `log`: not
 * described by the target means untestable.
 */
export type Need = string

export interface CaseDefinition {
  /** `<group>/<slug>`, the group being the name of the file. */
  id: string
  /** The slug in words, if not given. */
  title?: string
  /** The sentences of SPEC.md that it checks; with more than one, `t.about()` or `clause()` says which is meant. */
  rules: readonly [RuleId, ...RuleId[]]
  /** A broken `must` fails, a broken `should` warns. */
  level: 'must' | 'should'
  needs?: readonly Need[]
  /** Default both; one where the encoding makes no difference. */
  encodings?: readonly Encoding[]
  /** `full` runs only in the full profile. Default `quick`. */
  profile?: Profile
  /** True: nothing else runs meanwhile, because it kills or fills the server. */
  exclusive?: boolean
  /** Of the whole case; default 60,000 ms. */
  timeoutMs?: number
  run(t: CaseContext): Promise<Outcome | readonly Outcome[]>
}

export interface Case extends CaseDefinition {
  readonly title: string
  readonly group: string
  readonly encodings: readonly Encoding[]
  readonly profile: Profile
  readonly exclusive: boolean
  readonly timeoutMs: number
}

const defaultCaseTimeoutMs = 60_000

/** @throws ChatspecError BAD_CASE if the id is no `<group>/<slug>` */
export function defineCase(definition: CaseDefinition): Case {
  const [, group, slug] = /^([a-z]+)\/([a-z0-9]+(?:-[a-z0-9]+)*)$/.exec(definition.id) ?? []
  if (!group || !slug)
    throw new ChatspecError('BAD_CASE', `case id ${definition.id}: allowed is <group>/<slug>`)
  return Object.freeze({
    title: slug.replaceAll('-', ' '),
    encodings: ['json', 'cbor'] as const,
    profile: 'quick' as const,
    exclusive: false,
    timeoutMs: defaultCaseTimeoutMs,
    ...definition,
    group,
  })
}
