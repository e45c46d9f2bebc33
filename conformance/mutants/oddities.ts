// Legal oddities: what SPEC.md lets a server do though few do it, and what the suite must not blame.
import type { RuleId } from '../../protocol/index.ts'
import { inMemory, ownerJoins } from './defects.ts'

export interface Oddity {
  id: string
  /** What the server does. */
  title: string
  /** The sentences that allow it. */
  clauses: readonly [RuleId, ...RuleId[]]
  /** Instead of all. */
  caps?: readonly string[]
  /** SHOULDs that it does not keep. */
  warns?: readonly RuleId[]
}

export const oddities = [
  { id: 'B01', title: 'the log takes up to 300 ms', clauses: ['VAR-01'] },
  { id: 'B02', title: 'frames are gathered for 15 ms', clauses: ['VAR-02'] },
  { id: 'B03', title: 'adds fields and frames that nobody knows', clauses: ['VAR-03'] },
  { id: 'B04', title: 'replays of several conversations are mixed', clauses: ['VAR-04'] },
  { id: 'B06', title: 'pings at odd moments', clauses: ['VAR-05'] },
  { id: 'B08', title: 'closes before welcome where others answer with an error', clauses: ['VAR-06'] },
  { id: 'B10', title: 'every page holds one item', clauses: ['VAR-09'] },
  {
    id: 'B12',
    title: 'ids and cursors of another shape, white space in JSON',
    clauses: ['VAR-10', 'VAR-12'],
  },
  { id: 'B13', title: 'compresses', clauses: ['VAR-11'] },
  { id: 'B15', title: 'notices the end of a token 4 s late', clauses: ['AUTH-06'] },
  { id: 'B16', title: 'says replay:false where others say nothing', clauses: ['VAR-13'] },
  { id: 'B17', title: 'recognises repeats for twice as long as it announced', clauses: ['VAR-14'] },
  {
    id: 'B19',
    title: 'has no fence: a pong comes before what was gathered',
    clauses: ['FEN-01'],
    caps: withoutFence(),
  },
  { id: 'B20', title: 'a former member reads nothing any more', clauses: ['VAR-23'] },
  {
    id: 'B21',
    title: 'a repeat is refused to who has lost the right',
    clauses: ['VAR-24'],
    warns: ['DED-12'],
  },
  { id: 'B22', title: 'closes after the bye of a client', clauses: ['VAR-28'] },
  { id: 'B24', title: 'processes read without the capability', clauses: ['VAR-32'] },
  { id: 'B25', title: 'refuses a list of cursors that names a conversation twice', clauses: ['VAR-25'] },
  { id: 'B26', title: 'replays nothing for a cursor that cannot be continued', clauses: ['VAR-29'] },
  { id: 'B27', title: 'answers a foreign cursor with an error', clauses: ['VAR-30'] },
  { id: 'B31', title: 'JSON with keys in another order and every character escaped', clauses: ['VAR-12'] },
  { id: 'B32', title: 'only the owner lets others join', clauses: ['GRP-22'], caps: ownerJoins },
  {
    id: 'B34',
    title: 'forgets everything with its process, and says so',
    clauses: ['CRS-10'],
    caps: inMemory,
  },
  { id: 'B35', title: 'announces a gap where others wait for the window', clauses: ['LIM-04', 'OFF-18'] },
] as const satisfies readonly Oddity[]

function withoutFence(): string[] {
  return inMemory.filter((cap) => cap !== 'fence')
}
