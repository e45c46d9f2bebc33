// The judge: points at a server by its URL, runs cases against it, gives verdicts as data.
export { readBaseline, resolveBaseline } from './baseline.ts'
export { type Case, type CaseDefinition, defineCase, type Need, type Profile, profiles } from './case.ts'
export { cases } from './cases/index.ts'
export { CaseContext } from './context.ts'
export type { Environment } from './environment.ts'
export type { HookCommands, HookFunction, HookName } from './hooks.ts'
export type { KeepHistory } from './kept-history.ts'
export type { Fault } from './outcome.ts'
export { type Contact, preflight } from './preflight.ts'
export {
  type BaselineEntry,
  type CaseHistory,
  type CaseResult,
  type CheckResult,
  type ConformanceResult,
  exitCode,
  isStale,
  type JudgedEntry,
  type OverallVerdict,
  type SetScore,
  schemaVersion,
  type Verdict,
  verdicts,
} from './result.ts'
export { type Progress, type RunOptions, runConformance } from './run.ts'
export { chatspec10 } from './sets/chatspec-1.0.ts'
export type { RequirementSet } from './sets/requirement-set.ts'
export {
  type ClauseStatus,
  clauseStatuses,
  obligationShares,
  requirementShares,
  type Shares,
  type Tested,
} from './status.ts'
export { publicUrl, readTargetFile, resolveTarget, type Target, type TargetDescriptor } from './target.ts'
export { type Claims, mintToken } from './tokens.ts'
export { formatLine, type TraceLine } from './trace.ts'
export { fallsShort, type CapabilityVerdict, type Measurement, type SurveyResult } from './survey/result.ts'
export { survey, type SurveyOptions } from './survey/survey.ts'
