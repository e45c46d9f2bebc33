// What a case needs of a server and of its owner, and what is missing here.
import { type Encoding, subprotocols } from '../protocol/index.ts'
import type { Need } from './case.ts'
import { notApplicable, type Skipped, untestable } from './outcome.ts'
import type { Target } from './target.ts'

interface Surroundings {
  target: Target
  caps: readonly string[]
  /** That the server speaks. */
  encodings: readonly Encoding[]
}

/** What keeps a case from running here, if anything. */
export function unmet(
  needs: readonly Need[],
  { target, caps, encodings }: Surroundings,
): Skipped | undefined {
  for (const need of needs) {
    const [kind, name = ''] = need.split(':')
    if (need === 'both-encodings') {
      const other = (Object.keys(subprotocols) as Encoding[]).find((one) => !encodings.includes(one))
      if (other) return notApplicable(`the server does not speak ${other}`)
    } else if (kind === 'hook') {
      if (!(name in target.hooks.functions)) return untestable(`the target has no hook ${name}`)
    } else if (need === 'mint') {
      if (!target.tokens.canMint) return untestable('it takes the secret of the server')
    } else if (need === 'metrics' || need === 'log') {
      if (!target.hooks[need]) return untestable(`the target names no ${need}`)
    } else if (!need.split('|').some((one) => declares(caps, one))) {
      return notApplicable(`the server does not declare ${need.replaceAll('|', ' or ')}`)
    }
  }
  return undefined
}

/** Does a server with these capabilities promise what needs this one? */
export function declares(caps: readonly string[], need: string): boolean {
  // A sentence with durability=process applies with durability=fsync too.
  if (need === 'durability=process' && caps.includes('durability=fsync')) return true
  return caps.some((cap) => cap === need || (!need.includes('=') && cap.startsWith(`${need}=`)))
}
