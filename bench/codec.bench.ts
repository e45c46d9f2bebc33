// Times the codecs on the frames of every message, against JSON.parse and JSON.stringify in the same run.
import { cpus } from 'node:os'
import * as cborg from 'cborg'
import { Bench } from 'tinybench'
import {
  type AnyMessage,
  cborCodec,
  createCborCodec,
  type Codec,
  defaultLimits,
  frameDirections,
  headerBytes,
  jsonCodec,
} from '../protocol/index.ts'
import { nodeUtf8 } from '../server/index.ts'

/** Different frames in turn, as on a real server: caches and branch predictors must not learn one by heart. */
const count = 256
const rounds = 15
const timeMs = 20
const nowMs = 1_790_000_000_123
const contentBytes = 200

interface Work {
  decode: (i: number) => unknown
  encode: (i: number) => unknown
}
interface Row extends Work {
  name: string
  columns: Column[]
  goals?: Partial<Record<Column, number>>
}
/** `wire`: both, against JSON from bytes and to bytes, which is what a connection pays. */
type Column = 'decode' | 'encode' | 'both' | 'wire'

const binaryColumns: Column[] = ['decode', 'encode', 'both', 'wire']
const out = Buffer.alloc(4096)
const bufferCodec = createCborCodec(nodeUtf8)

console.log(`${cpus()[0]?.model}, Node ${process.version}, ${rounds} alternating rounds`)
console.log('median ratio to JSON.parse and JSON.stringify in the same round [smallest to largest];')
console.log('wire: both, where JSON also reads its text from bytes and writes it to bytes')
const goals = { json: { decode: 1.5, encode: 1 }, cbor: { both: 0.5 } }
const msgs = makeFrames(msg)
await compare(`msg, ${contentBytes} B of content`, msgs, [
  { ...jsonRow(msgs), goals: goals.json },
  { ...cborRow('CBOR with Buffer', bufferCodec, msgs), goals: goals.cbor },
])
for (const make of [send, sent, ack, ping]) {
  const frames = makeFrames(make)
  await compare(make.name, frames, [jsonRow(frames), cborRow('CBOR with Buffer', bufferCodec, frames)])
}
// Last: a server runs one CBOR codec, and these must not teach the engine that there are others.
await compare('msg, other codecs', msgs, [
  cborRow('CBOR in plain JavaScript', cborCodec, msgs),
  cborgRow(msgs),
])

function msg(i: number): AnyMessage {
  const from = `alice${i % 64}`
  const conv = `d:${from}:bob${i % 32}`
  const position = { conv, epoch: 'k3x9q0az', seq: 1000 + i * 37 }
  return { type: 'msg', ...position, msgId: msgId(i), from, content: content(i), timestamp: nowMs + i }
}

function send(i: number): AnyMessage {
  return { type: 'send', id: 100 + i, msgId: msgId(i), to: `bob${i % 32}`, content: content(i) }
}

function sent(i: number): AnyMessage {
  const position = { conv: `d:alice${i % 64}:bob${i % 32}`, epoch: 'k3x9q0az', seq: 1000 + i * 37 }
  return { type: 'sent', id: 100 + i, msgId: msgId(i), ...position, timestamp: nowMs + i, duplicate: false }
}

function ack(i: number): AnyMessage {
  return { type: 'ack', conv: `d:alice${i % 64}:bob${i % 32}`, epoch: 'k3x9q0az', seq: 1000 + i * 37 }
}

function ping(i: number): AnyMessage {
  return { type: 'ping', n: i }
}

function makeFrames(make: (i: number) => AnyMessage): AnyMessage[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

function msgId(i: number): string {
  return `${hex(i * 7919, 8)}-1c2d-4e3f-8a4b-${hex(i * 104_729, 12)}`
}

function content(i: number): string {
  const letters = Array.from({ length: contentBytes }, (_, k) => 97 + ((i * 7 + k * 3) % 26))
  return String.fromCharCode(...letters)
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0').slice(-digits)
}

function textControl(frames: AnyMessage[]): Work {
  const texts = frames.map((frame) => JSON.stringify(frame))
  return { decode: (i) => JSON.parse(texts[i] as string), encode: (i) => JSON.stringify(frames[i]) }
}

function byteControl(frames: AnyMessage[]): Work {
  const wires = frames.map((frame) => Buffer.from(JSON.stringify(frame)))
  return {
    decode: (i) => JSON.parse((wires[i] as Buffer).toString()),
    encode: (i) => out.write(JSON.stringify(frames[i])),
  }
}

function jsonRow(frames: AnyMessage[]): Row {
  return {
    name: 'JSON',
    columns: ['decode', 'encode', 'both'],
    decode: decoder(jsonCodec, frames),
    // A string put together of pieces is not finished before somebody reads it.
    encode: (i) => jsonCodec.encode(frames[i] as AnyMessage, nowMs).charCodeAt(0),
  }
}

function cborRow(name: string, codec: Codec<Uint8Array>, frames: AnyMessage[]): Row {
  const encode = (i: number) => codec.encode(frames[i] as AnyMessage, nowMs)
  return { name, columns: binaryColumns, decode: decoder(codec, frames), encode }
}

function decoder<Wire>(codec: Codec<Wire>, frames: AnyMessage[]): Row['decode'] {
  const wires = frames.map((frame) => codec.encode(frame, nowMs))
  if (frames[0] && frameDirections[frames[0].type] === 'server') {
    return (i) => codec.decodeServer(wires[i] as Wire, defaultLimits)
  }
  return (i) => codec.decodeClient(wires[i] as Wire, defaultLimits)
}

function cborgRow(frames: AnyMessage[]): Row {
  const bodies = frames.map((frame) => cborCodec.encode(frame, nowMs).subarray(headerBytes + 2))
  return {
    name: 'cborg, body only',
    columns: binaryColumns,
    decode: (i) => cborg.decode(bodies[i] as Uint8Array),
    encode: (i) => cborg.encode(frames[i]),
  }
}

async function compare(title: string, frames: AnyMessage[], rows: Row[]): Promise<void> {
  const controls = { text: textControl(frames), bytes: byteControl(frames) }
  const controlNs: number[] = []
  const ratios = rows.map(() => ({ decode: [], encode: [], both: [], wire: [] }) as Record<Column, number[]>)
  for (let round = 0; round < rounds; round++) {
    for (const [i, row] of rows.entries()) {
      const text = await timesOf(controls.text)
      const bytes = await timesOf(controls.bytes)
      const own = await timesOf(row)
      controlNs.push(text.bothNs)
      ratios[i]?.decode.push(own.decodeNs / text.decodeNs)
      ratios[i]?.encode.push(own.encodeNs / text.encodeNs)
      ratios[i]?.both.push(own.bothNs / text.bothNs)
      ratios[i]?.wire.push(own.bothNs / bytes.bothNs)
    }
  }
  console.log(`\n${title} (JSON.parse + JSON.stringify: ${median(controlNs).toFixed(0)} ns)`)
  for (const [i, { name, columns, goals }] of rows.entries()) {
    const shown = columns.map((column) => show(column, ratios[i]?.[column] ?? [], goals?.[column]))
    console.log(`  ${name.padEnd(25)} ${shown.join(' ')}`)
  }
}

async function timesOf({
  decode,
  encode,
}: Work): Promise<Record<'decodeNs' | 'encodeNs' | 'bothNs', number>> {
  const decodeNs = await nanoseconds(decode)
  const encodeNs = await nanoseconds(encode)
  return { decodeNs, encodeNs, bothNs: decodeNs + encodeNs }
}

/** Per call; the clock is read once for all frames. */
async function nanoseconds(work: (i: number) => unknown): Promise<number> {
  const bench = new Bench({ time: timeMs, warmupTime: timeMs / 4 })
  bench.add('row', () => {
    for (let i = 0; i < count; i++) work(i)
  })
  const [task] = await bench.run()
  if (task?.result.state !== 'completed') throw new Error(`no measurement: ${task?.result.state}`)
  return (task.result.latency.p50 * 1e6) / count
}

/** A goal that is missed fails the run. */
function show(label: string, ratios: number[], goal: number | undefined): string {
  const missed = goal !== undefined && median(ratios) > goal
  if (missed) process.exitCode = 1
  const spread = `[${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}]`
  const aim = goal === undefined ? '' : missed ? ` missed ${goal}` : ` within ${goal}`
  return `${label} ${median(ratios).toFixed(2)} ${spread}${aim}`.padEnd(34)
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}
