// Results with any text wherever a server, or a person, can put some.
import fc from 'fast-check'
import type { ConformanceResult } from '../../conformance/result.ts'
import { sampleResult } from './sample-result.ts'

/** Any UTF-16, lone surrogates and controls included, and what markup is made of. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  fc.constantFrom(
    ']]>',
    '<!--',
    '-->',
    '</style>',
    '&#0;',
    '"onload="x',
    "'",
    '\u0000',
    '\u001b[2J',
    '\ufffe',
    '\r\n',
  ),
)

/** The sample with one text in every place. */
export function resultWith(text: string): ConformanceResult {
  return {
    ...sampleResult,
    cutShort: text,
    target: { ...sampleResult.target, url: `ws://h/${text}`, capabilities: [text] },
    environment: { ...sampleResult.environment, cpu: text },
    cases: sampleResult.cases.map((one) => ({
      ...one,
      title: text,
      reason: text,
      replay: text,
      trace: [text],
      checks: one.checks.map((check) => ({ ...check, sentence: text, expected: text, actual: text })),
      fullTrace: one.fullTrace.map((line) => ({ ...line, connection: text, text })),
    })),
  }
}
