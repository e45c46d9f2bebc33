// Servers that are stopped and come back: by hooks, waiting until they are gone and until they are ready.
import { quiet } from './deadline.ts'
import { turnedAway } from './expect.ts'
import type { CaseContext } from './context.ts'
import type { HookName } from './hooks.ts'
import type { FrameOf } from './match.ts'
import { Finding } from './outcome.ts'
import type { Session } from './session.ts'
import type { Upgrade } from './upgrade.ts'

/** [CRS-08] To be ready again, with the 4 s that timers may be late. */
export const startMs = 34_000
/** A server that takes longer to stop is not waited for. */
const stopMs = 40_000
const pollMs = 50

/** Stops the server, starts it if the hook does not do that too, and gives the milliseconds until it took connections. */
export async function comeBack(t: CaseContext, stop: HookName): Promise<number> {
  await t.hook(stop)
  if (stop !== 'restart') await t.hook('start')
  return untilReady(t)
}

/** Tells the server to stop, and brings it back whatever `look` finds between its `drain` and its end. */
export async function whileStopping<T>(
  t: CaseContext,
  session: Session,
  look: (drain: FrameOf<'drain'>) => Promise<T>,
): Promise<T> {
  const stopping = quiet(t.hook('term'))
  try {
    return await look(await session.next('drain', {}, { rule: 'DRN-01' }))
  } finally {
    await stopping
    await upgradeUntil(t, stopMs, ({ kind }) => kind === 'failed')
    await t.hook('start')
    await untilReady(t)
  }
}

async function untilReady(t: CaseContext): Promise<number> {
  const sinceMs = t.elapsedMs()
  const answer = await upgradeUntil(t, startMs, ({ kind }) => kind === 'open')
  if (answer.kind !== 'open') throw new Finding(turnedAway(answer))
  return t.elapsedMs() - sinceMs
}

/** The first answer that will do, or the last one of `withinMs`. */
async function upgradeUntil(
  t: CaseContext,
  withinMs: number,
  isEnough: (answer: Upgrade) => boolean,
): Promise<Upgrade> {
  for (const sinceMs = t.elapsedMs(); ; ) {
    const answer = await t.upgrade()
    if (isEnough(answer) || t.elapsedMs() - sinceMs > withinMs) return answer
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}
