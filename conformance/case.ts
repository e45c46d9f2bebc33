// What a case is: data about one or more sentences of SPEC.md, and a few lines that find out if a server keeps them.
import { ChatspecError, type Encoding, type RuleId } from '../protocol/index.ts'
import type { CaseContext } from './context.ts'
import type { Outcome } from './outcome.ts'

/** Each holds the one before. On two cores `quick` aims at 15 s, `default` at 90 s, `full` at 6 min. */
export const profiles = ['quick', 'default', 'full'] as const
export type Profile = (typeof profiles)[number]

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
  /** The smallest profile that it runs in. Default `quick`. */
  profile?: Profile
  /** True: it mostly waits for clocks, so it begins first and runs beside the others. */
  patient?: boolean
  /** True: nothing else runs meanwhile, because it kills or fills the server. */
  exclusive?: boolean
  /** Of the whole case, whatever happens; the default follows from its profile. */
  timeoutMs?: number
  run(t: CaseContext): Promise<Outcome | readonly Outcome[]>
}

export interface Case extends CaseDefinition {
  readonly title: string
  readonly group: string
  readonly encodings: readonly Encoding[]
  readonly profile: Profile
  readonly patient: boolean
  readonly exclusive: boolean
  readonly timeoutMs: number
}

const caseTimeoutsMs: Readonly<Record<Profile, number>> = { quick: 60_000, default: 90_000, full: 150_000 }

/** @throws ChatspecError BAD_CASE if the id is no `<group>/<slug>` */
export function defineCase(definition: CaseDefinition): Case {
  const [, group, slug] = /^([a-z]+)\/([a-z0-9]+(?:-[a-z0-9]+)*)$/.exec(definition.id) ?? []
  if (!group || !slug)
    throw new ChatspecError('BAD_CASE', `case id ${definition.id}: allowed is <group>/<slug>`)
  return Object.freeze({
    title: slug.replaceAll('-', ' '),
    encodings: ['json', 'cbor'] as const,
    profile: 'quick' as const,
    patient: false,
    exclusive: false,
    timeoutMs: caseTimeoutsMs[definition.profile ?? 'quick'],
    ...definition,
    group,
  })
}
