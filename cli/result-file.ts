// Reads a report.json back, or says in one sentence why it is none.
import { readFileSync } from 'node:fs'
import { type ConformanceResult, schemaVersion } from '../conformance/index.ts'
import { ChatspecError } from '../protocol/index.ts'

const fields = ['tool', 'target', 'environment', 'cases', 'counts', 'coverage', 'set', 'verdict'] as const

/** @throws ChatspecError BAD_RESULT */
export function readResult(path: string): ConformanceResult {
  const given = parse(path)
  if (typeof given !== 'object' || given === null) throw bad(path, `${JSON.stringify(given)} is no result`)
  const { kind, schemaVersion: version } = given as Record<string, unknown>
  if (kind !== 'conformance')
    throw bad(path, `kind ${JSON.stringify(kind) ?? 'nothing'} arrived, "conformance" is allowed`)
  if (version !== schemaVersion)
    throw bad(path, `schemaVersion ${JSON.stringify(version)} arrived, ${schemaVersion} is allowed`)
  const missing = fields.find((name) => !(name in given))
  if (missing !== undefined) throw bad(path, `${missing} is missing`)
  return given as ConformanceResult
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw bad(path, cause instanceof Error ? cause.message : String(cause))
  }
}

function bad(path: string, detail: string): ChatspecError {
  return new ChatspecError(
    'BAD_RESULT',
    `result ${path}: ${detail}; allowed: a report.json of chatspec conform`,
  )
}
