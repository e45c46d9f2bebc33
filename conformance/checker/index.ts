// The judge of histories: what a run recorded, held against what a chat server promises. Pure: runs in k6 as well.
export { type Body, bodyHash } from './body-hash.ts'
export { type Checker, checkHistory, createChecker } from './checker.ts'
export * from './events.ts'
export { formatHistoryLine, type HistoryLine, parseHistoryLine } from './history-line.ts'
export { type CheckerChoices, type CheckerOptions, defaultOptions, type Minimum } from './options.ts'
export type { CheckReport, Counters, RuleReport, RuleVerdict, Violation } from './report.ts'
export { type HistoryRule, historyRules } from './rules.ts'
