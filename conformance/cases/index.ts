// The suite: one file per feature word of SPEC.md; everything that such a file exports is a case.
import type { Case } from '../case.ts'
import * as properties from '../properties/index.ts'
import * as acks from './acks.ts'
import * as acksWindow from './acks-window.ts'
import * as auth from './auth.ts'
import * as authRevocation from './auth-revocation.ts'
import * as authSessions from './auth-sessions.ts'
import * as authTokens from './auth-tokens.ts'
import * as capabilities from './capabilities.ts'
import * as dedup from './dedup.ts'
import * as dedupRefusals from './dedup-refusals.ts'
import * as direct from './direct.ts'
import * as drain from './drain.ts'
import * as durability from './durability.ts'
import * as errors from './errors.ts'
import * as errorsCloses from './errors-closes.ts'
import * as framing from './framing.ts'
import * as framingBinary from './framing-binary.ts'
import * as framingFields from './framing-fields.ts'
import * as framingHeader from './framing-header.ts'
import * as framingJson from './framing-json.ts'
import * as framingSizes from './framing-sizes.ts'
import * as framingValues from './framing-values.ts'
import * as groups from './groups.ts'
import * as groupsCrowd from './groups-crowd.ts'
import * as groupsMembers from './groups-members.ts'
import * as groupsWindows from './groups-windows.ts'
import * as heartbeats from './heartbeats.ts'
import * as heartbeatsFence from './heartbeats-fence.ts'
import * as heartbeatsGranted from './heartbeats-granted.ts'
import * as history from './history.ts'
import * as historyReads from './history-reads.ts'
import * as http from './http.ts'
import * as leaks from './leaks.ts'
import * as limits from './limits.ts'
import * as limitsRates from './limits-rates.ts'
import * as limitsSlow from './limits-slow.ts'
import * as offline from './offline.ts'
import * as offlineOverflow from './offline-overflow.ts'
import * as offlineSync from './offline-sync.ts'
import * as ordering from './ordering.ts'
import * as presence from './presence.ts'
import * as receipts from './receipts.ts'
import * as resume from './resume.ts'
import * as resumeAbsence from './resume-absence.ts'
import * as resumeAnswers from './resume-answers.ts'
import * as security from './security.ts'
import * as securityFrames from './security-frames.ts'
import * as wire from './wire.ts'

/** In the order of SPEC.md; what is generated last. */
export const caseFiles: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  wire,
  auth: { ...auth, ...authTokens, ...authSessions, ...authRevocation },
  framing: {
    ...framing,
    ...framingFields,
    ...framingValues,
    ...framingSizes,
    ...framingJson,
    ...framingHeader,
    ...framingBinary,
  },
  heartbeats: { ...heartbeats, ...heartbeatsGranted, ...heartbeatsFence },
  direct,
  acks: { ...acks, ...acksWindow },
  dedup: { ...dedup, ...dedupRefusals },
  ordering,
  groups: { ...groups, ...groupsMembers, ...groupsWindows, ...groupsCrowd },
  offline: { ...offline, ...offlineSync, ...offlineOverflow },
  history: { ...history, ...historyReads },
  presence,
  receipts,
  errors: { ...errors, ...errorsCloses },
  limits: { ...limits, ...limitsRates, ...limitsSlow },
  resume: { ...resume, ...resumeAnswers, ...resumeAbsence },
  durability,
  drain,
  leaks,
  security: { ...security, ...securityFrames },
  http,
  capabilities,
  properties,
}

export const cases: readonly Case[] = Object.values(caseFiles).flatMap((file) => Object.values(file))
