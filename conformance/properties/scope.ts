// What can be tried against a server, from what it declares and announces.
import type { Profile } from '../case.ts'
import type { CaseContext } from '../context.ts'
import type { Scope } from './arbitrary.ts'

const mostCommands: Readonly<Record<Profile, number>> = { quick: 16, default: 24, full: 40 }
const mostUsers: Readonly<Record<Profile, number>> = { quick: 3, default: 4, full: 4 }
/** Frames of a user that one command can take, those around the commands included: a walk writes the most. */
const framesPerCommand = 20
/** A trial lasts seconds; what is forgotten sooner is no repeat any more. */
const shortestDedupMs = 60_000

/** A server that allows little gets short sequences, not refusals. */
export function scopeOf({ caps, limits, encodings, profile }: CaseContext): Scope {
  const mostAtOnce = Math.max(
    1,
    Math.min(6, limits.sendWindow, Math.floor(limits.sendBurst / mostCommands[profile])),
  )
  const affordable = Math.min(
    Math.floor(limits.frameBurst / framesPerCommand),
    Math.floor(limits.sendBurst / mostAtOnce),
  )
  const commands = Math.max(2, Math.min(mostCommands[profile], affordable))
  return {
    groups: caps.includes('groups'),
    history: caps.includes('history'),
    sync: caps.includes('sync'),
    resume: caps.includes('resume'),
    receipts: caps.includes('receipts'),
    repeats: limits.dedupWindowMs >= shortestDedupMs,
    // With a full window there is no answer to a `sync`, and no `live`.
    holds: limits.window >= commands * mostAtOnce,
    bothEncodings: encodings.length > 1,
    // Old connections may linger a while after they were cut.
    mostDevices: caps.includes('devices') && limits.connectionsPerUser >= 6 ? 2 : 1,
    mostUsers: Math.max(
      2,
      Math.min(mostUsers[profile], caps.includes('groups') ? limits.groupMembersMax : 4),
    ),
    mostAtOnce,
    mostCommands: commands,
    mostPage: Math.max(1, Math.min(4, limits.historyMaxLimit)),
  }
}
