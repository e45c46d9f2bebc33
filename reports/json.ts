// The result itself, for programs.
import type { ConformanceResult } from '../conformance/result.ts'

/** Lone surrogates come out as escapes, so that the file is valid UTF-8. */
export function renderJson(result: ConformanceResult): string {
  return `${JSON.stringify(result, null, 2)}\n`
}
