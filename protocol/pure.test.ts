// The codecs run where there is nothing but the language: in k6, in any browser.
import { runInNewContext } from 'node:vm'
import { buildSync } from 'esbuild'
import { expect, it } from 'vitest'
import { cborCodec, jsonCodec, type Send } from './index.ts'

const send: Send = {
  type: 'send',
  id: 4,
  msgId: '3f0b1c2d-4e5f-4a6b-8c7d-9e0f1a2b3c4d',
  to: 'bob',
  content: 'hi \u{1f600}',
}

it('encodes and decodes without Buffer, TextEncoder, WeakRef or isWellFormed', () => {
  const entryPoints = [new URL('index.ts', import.meta.url).pathname]
  const bundle = { entryPoints, bundle: true, write: false, format: 'iife', globalName: 'protocol' } as const
  const [file] = buildSync({ ...bundle, target: 'es2020' }).outputFiles
  const forget = 'delete String.prototype.isWellFormed; delete globalThis.WeakRef;'
  const script = `${forget} ${file?.text}
    const limits = { maxFrame: 1000, maxContent: 100 }
    const text = protocol.jsonCodec.encode(message, 0)
    const bytes = protocol.cborCodec.encode(message, 0)
    const decoded = [protocol.jsonCodec.decodeClient(text, limits), protocol.cborCodec.decodeClient(bytes, limits)]
    const lone = protocol.jsonCodec.decodeClient(text.replace('hi', '\\\\ud800'), limits)
    JSON.stringify({ text, bytes: Array.from(bytes), decoded, lone: lone.rule })`
  expect(JSON.parse(runInNewContext(script, { message: send }) as string)).toEqual({
    text: jsonCodec.encode(send, 0),
    bytes: [...cborCodec.encode(send, 0)],
    decoded: Array(2).fill({ ok: true, message: send }),
    lone: 'FRM-09',
  })
})
