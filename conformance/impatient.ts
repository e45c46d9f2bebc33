// Sessions with the shortest heartbeat that the server grants, so that silence is noticed within seconds.
import type { HeartbeatRequest } from '../protocol/index.ts'
import type { ConnectChoices } from './choices.ts'
import type { CaseContext } from './context.ts'
import { Finding, untestable } from './outcome.ts'
import type { User } from './observer.ts'
import type { Session } from './session.ts'

/** SPEC.md, Deadlines: for coarse timers. */
export const toleranceMs = 4_000
/** Two clocks that count the same milliseconds. */
export const clockGrainMs = 20
/** A longer wait is none for a quick run. */
const longestDeadAfterMs = 15_000

/** Asks for as little as possible, but so many intervals and so much time to answer. */
export function shortest(maxMissed: number, timeoutMs = 1): HeartbeatRequest {
  return { intervalMs: 1, timeoutMs, maxMissed }
}

/** @throws Finding if the shortest heartbeat of this server takes too long to test */
export async function connectImpatient(
  t: CaseContext,
  heartbeat: HeartbeatRequest,
  { user = t.user(), ...choices }: ConnectChoices & { user?: User } = {},
): Promise<Session> {
  const session = await t.connect(user, { heartbeat, ...choices })
  const { deadAfterMs } = session.welcome.heartbeat
  if (deadAfterMs > longestDeadAfterMs)
    throw new Finding(untestable(`deadAfterMs is at least ${deadAfterMs} ms`))
  return session
}

/** Does something again and again, at least every `everyMs`, for so long or until the connection ends. */
export async function keepDoing(
  session: Session,
  { forMs, everyMs }: { forMs: number; everyMs: number },
  act: () => unknown,
): Promise<void> {
  const untilMs = performance.now() + forMs
  while (performance.now() < untilMs && !session.wire.end) {
    await act()
    await session.ended(everyMs)
  }
}
