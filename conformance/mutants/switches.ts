// Every way in which the server of this folder can differ from itself.
import type { defects } from './defects.ts'
import type { oddities } from './oddities.ts'

export type DefectId = (typeof defects)[number]['id']
export type OddityId = (typeof oddities)[number]['id']
export type SwitchId = DefectId | OddityId
