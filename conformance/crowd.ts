// Very many users at a time: connecting them a few at a time, or all at once as after a cut.
import type { CaseContext } from './context.ts'
import { quiet } from './deadline.ts'
import { Finding, unknown } from './outcome.ts'
import type { Session } from './session.ts'

const atATime = 25
const pauseMs = 500

export type Crowd = [Session, ...Session[]]

/** So many new users, each with one connection. */
export async function connectCrowd(t: CaseContext, count: number): Promise<Crowd> {
  const crowd: Session[] = []
  while (crowd.length < count) {
    const some = Math.min(atATime, count - crowd.length)
    crowd.push(...(await Promise.all(Array.from({ length: some }, () => t.connect()))))
  }
  return crowd as Crowd
}

/** Everybody back at once; who is turned away while the server protects itself tries again. */
export function returnAtOnce(t: CaseContext, crowd: readonly Session[], untilMs: number): Promise<Session[]> {
  return quiet(Promise.all(crowd.map((one) => comeBack(t, one, untilMs))))
}

async function comeBack(t: CaseContext, one: Session, untilMs: number): Promise<Session> {
  for (;;) {
    try {
      return await t.reconnect(one, { resume: { cursors: [] } })
    } catch (error) {
      const isTurnedAway = error instanceof Finding && error.outcome.verdict === 'unknown'
      if (!isTurnedAway) throw error
      if (t.elapsedMs() > untilMs) throw new Finding(unknown(`not let in again: ${error.message}`))
      const pause = t.random.integer(pauseMs, 2 * pauseMs)
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}
