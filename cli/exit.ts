// The one table of exit codes, for every command.

export const exitCodes = {
  good: 0,
  /** What was tested fell short: not conformant. */
  fellShort: 1,
  /** Too little happened to judge. */
  undecided: 2,
  /** Usage, harness or environment. */
  failed: 3,
} as const
