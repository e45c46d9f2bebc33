// For each rule of the checker, the conditions without which it would be blind or would cry wolf.
import type { Mutant } from './mutant.ts'

export const ruleMutants: readonly Mutant[] = []
