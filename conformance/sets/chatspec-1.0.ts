// The requirement set chatspec/1.0, frozen: sentences that SPEC.md gets later are tested, but do not count for it.
import type { RequirementSet } from './requirement-set.ts'

const numbers: Readonly<Record<string, string>> = {
  ACK: '01 02 03 04 05 06 07 08 09 10 11 12 13 14',
  AUTH: '01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24',
  CAP: '01 02 03 04',
  CON: '01 02 03',
  CRS: '01 02 03 04 05 06 07 08 09 10',
  DED: '01 02 03 04 05 06 07 08 09 10 11 12 13',
  DM: '01 02 03 04 05 06 07 08 09',
  DRN: '01 02 03 04 05',
  ERR: '01 02 03 04 05 06 07 08 09 10 11 12 13',
  FEN: '01 02',
  FRM: '01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31',
  GRP: '01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23',
  HB: '01 02 03 04 05 06 07 08 09 10 11 12 13',
  HIS: '01 02 03 04 05 06 07 08 09 10 11 12',
  HTTP: '01 02 03 04 05 06 07',
  LEK: '01 02 03 04 05 06',
  LIM: '01 02 03 04 05 06 07 08 09 10 11 12 13',
  OFF: '01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19',
  ORD: '01 02 03 04 05 06 07 08 09 10 11 12 13',
  PRS: '01 02 03 04 05 06 07',
  RCP: '01 02 03 04 05 06 07',
  RES: '01 02 03 04 05 06 07 08 09 10 11 12 13 14 15',
  SEC: '01 02 03 04 05 06 07',
}

export const chatspec10: RequirementSet = {
  name: 'chatspec/1.0',
  clauses: Object.entries(numbers).flatMap(([group, list]) =>
    list.split(' ').map((one) => `${group}-${one}`),
  ),
}
