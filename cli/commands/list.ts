// `chatspec list`: every sentence of SPEC.md, and what tests it.
import type { Command } from 'commander'
import { type ClauseStatus, clauseStatuses } from '../../conformance/index.ts'
import { ChatspecError } from '../../protocol/index.ts'
import { listingJson, renderListing } from '../listing.ts'
import { didYouMean } from '../nearest.ts'
import { coloursOf, columnsOf } from '../terminal.ts'

interface ListFlags {
  json?: true
}

const more = `
Patterns: a clause id (DED-02), its group (DED), a section of SPEC.md (deduplication), a case id or its group (dedup).

A case needs what stands behind it: a capability of the server (history), tokens with any claims (mint), a hook of the
target file (hook:kill, metrics, log). "Tested by URL" needs no hook. What no case tests says why.

Examples:
  $ chatspec list
  $ chatspec list DED-02
  $ chatspec list history --json`

export function addList(program: Command): void {
  program
    .command('list')
    .summary('every clause, its sentence, and the cases that test it')
    .description(
      'Prints the sentences of SPEC.md with their level, who has to keep them, and which cases test them.',
    )
    .argument('[pattern...]', 'only these')
    .option('--json', 'as JSON')
    .addHelpText('after', more)
    .action((patterns: string[], { json }: ListFlags) => {
      const all = clauseStatuses()
      const shown = patterns.length === 0 ? all : select(all, patterns)
      const { stdout } = process
      const style = { columns: columnsOf(stdout), colours: coloursOf(stdout) }
      stdout.write(json ? listingJson(shown, all) : renderListing(shown, all, style))
    })
}

/** @throws ChatspecError NO_SUCH_CLAUSE for a pattern that matches nothing */
function select(all: readonly ClauseStatus[], patterns: readonly string[]): ClauseStatus[] {
  for (const pattern of patterns) {
    if (all.some((one) => namesOf(one).includes(pattern))) continue
    const hint = didYouMean(pattern, [...new Set(all.flatMap(namesOf))])
    throw new ChatspecError(
      'NO_SUCH_CLAUSE',
      `no clause or case matches ${pattern}; allowed: a clause id, its group, a section, a case id or its group.${hint}`,
    )
  }
  return all.filter((one) => namesOf(one).some((name) => patterns.includes(name)))
}

function namesOf({ id, section, cases }: ClauseStatus): string[] {
  const caseNames = cases.flatMap((one) => [one.id, one.id.split('/')[0] ?? ''])
  return [id, id.split('-')[0] ?? '', section, ...caseNames]
}
