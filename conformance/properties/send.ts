// Commands that write messages: new ones and repeats of every kind, whole and in pieces.
import { errors } from '../../protocol/index.ts'
import { encodeLoose, type LooseFrame } from '../loose.ts'
import { fail, pass } from '../outcome.ts'
import type { FrameOf, Reply } from '../match.ts'
import type { Session } from '../session.ts'
import { summarize } from '../trace.ts'
import { encodeFrame, opcodes } from '../ws-frames.ts'
import type { Command } from './commands.ts'
import { answerOf, type Device, type World, type Written } from './world.ts'

type Of<N extends Command['do']> = Extract<Command, { do: N }>

/** New messages, pipelined; without waiting their answers are somebody else's business. */
export async function send(
  world: World,
  device: Device,
  { by, to, count, body, waits }: Of<'send'>,
): Promise<void> {
  const conv = world.conversation(to, by)
  const written = Array.from({ length: count }, () => world.write(device.person, conv, body))
  const answers = Promise.all(written.map((one) => submit(world, device.session, one)))
  if (waits) await answers
  else world.pending.push(answers)
}

/** One message under its name, as often as one likes. */
export async function submit(world: World, session: Session, written: Written): Promise<void> {
  const before = written.sent
  const { msgId, conv, content } = written
  const reply = await answerOf(session, session.send({ conv }, content, { msgId }))
  if (reply?.type !== 'sent') return
  written.sent ??= reply
  if (before) world.demand('DED-01', isTheFirstAnswer(reply, before))
}

function isTheFirstAnswer(reply: FrameOf<'sent'>, first: FrameOf<'sent'>) {
  const place = (sent: FrameOf<'sent'>, duplicate: boolean): string =>
    `${sent.conv} epoch ${sent.epoch} seq ${sent.seq} timestamp ${sent.timestamp} duplicate ${duplicate}`
  const expected = place(first, true)
  const actual = place(reply, reply.duplicate)
  return expected === actual ? pass(expected) : fail(expected, actual)
}

/** An earlier message of the user again, from whichever device; or another one under its name. */
export async function repeat(
  world: World,
  device: Device,
  { by, which, change }: Of<'repeat'>,
): Promise<void> {
  const { session, person } = device
  const { written } = person
  if (written.length === 0)
    await submit(world, session, world.write(person, world.conversation({ with: 0 }, by)))
  const first = written[which % written.length] as Written
  if (change === 'nothing') return submit(world, session, first)
  const other = { ...first }
  if (change === 'content') other.content = 'something else'
  else other.conv = world.conversation({ with: 0 }, by)
  if (other.conv === first.conv && change === 'target') other.conv = world.conversation({ with: 1 }, by)
  if (other.conv === first.conv && change === 'target') return
  session.breaksRules = true
  const reply = session.send({ conv: other.conv }, other.content, { msgId: first.msgId })
  session.breaksRules = false
  const answer = await answerOf(session, reply)
  if (answer && first.sent) world.demand('DED-08', isConflict(answer))
}

/** [VAR-16] Rates and rights are looked at in the same step. */
const conflicts: ReadonlySet<number> = new Set([
  errors.MSGID_CONFLICT.code,
  errors.NOT_MEMBER.code,
  errors.TOO_MANY_REQUESTS.code,
  errors.LIMIT_REACHED.code,
  errors.INTERNAL.code,
  errors.UNAVAILABLE.code,
])

function isConflict(answer: Reply) {
  const expected = 'error 106 for another message under an accepted msgId'
  const isRefused = answer.type === 'error' && conflicts.has(answer.code)
  return isRefused ? pass(expected, summarize(answer)) : fail(expected, summarize(answer))
}

/** The same message on every connection of its user at once, and again on this one. */
export async function sendTwice(world: World, device: Device, { by, to }: Of<'send twice'>): Promise<void> {
  const written = world.write(device.person, world.conversation(to, by))
  const others = device.person.devices.filter((one) => one !== device && !one.isAway && !one.isFrozen)
  const all = [device, ...others, device]
  await Promise.all(all.map(({ session }) => submit(world, session, written)))
}

/** A message in WebSocket fragments with pings between them, or in small TCP segments. */
export async function sendInPieces(
  world: World,
  device: Device,
  { by, to, how, bytes }: Of<'send in pieces'>,
): Promise<void> {
  const { session } = device
  const written = world.write(device.person, world.conversation(to, by), 2)
  const { msgId, conv, content } = written
  const id = session.nextId()
  const frame: LooseFrame = { type: 'send', id, msgId, conv, content }
  const { kind, payload } = encodeLoose(session.encoding, frame)
  session.recordWrite(frame)
  const pieces = (whole: Uint8Array): Uint8Array[] => cut(whole, bytes)
  // All in one go: what the probe writes of itself must not come in between.
  if (how === 'fragments') session.wire.writeFragments(kind, pieces(payload), [{ opcode: opcodes.ping }])
  else
    for (const slice of pieces(encodeFrame({ opcode: opcodes[kind], payload })))
      session.wire.writeRaw(slice, `slice of ${slice.length} bytes`)
  const rule = { rule: 'FRM-13' }
  const answer = Promise.race([session.next('sent', { id }, rule), session.next('error', { id }, rule)])
  const reply = await answerOf(session, answer)
  if (reply?.type === 'sent') written.sent ??= reply
}

/** [FRM-14] Servers bound the number of fragments. */
const mostPieces = 16

function cut(payload: Uint8Array, least: number): Uint8Array[] {
  const bytes = Math.max(least, Math.ceil(payload.length / mostPieces))
  const parts: Uint8Array[] = []
  for (let at = 0; at < payload.length; at += bytes) parts.push(payload.subarray(at, at + bytes))
  return parts
}
