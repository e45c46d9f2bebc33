// The requirements that the protocol began with: SPEC.md has a sentence for each, under the same id, and more besides.
import type { RuleId } from '../protocol/index.ts'

/** Each group counts from 01 without a hole. */
const counts: Readonly<Record<string, number>> = {
  AUTH: 11,
  FRM: 14,
  HB: 7,
  DM: 7,
  ACK: 10,
  DED: 9,
  ORD: 10,
  GRP: 11,
  OFF: 9,
  HIS: 9,
  PRS: 4,
  RCP: 4,
  ERR: 8,
  LIM: 8,
  RES: 10,
  CRS: 8,
  LEK: 6,
  SEC: 5,
}

export const requirementIds: readonly RuleId[] = Object.entries(counts).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, index) => `${group}-${String(index + 1).padStart(2, '0')}`),
)
