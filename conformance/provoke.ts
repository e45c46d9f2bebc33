// Provoking a server row by row: each bad message alone, each refusal by its name.
import type { CloseName, ErrorName } from '../protocol/index.ts'
import type { CaseContext } from './context.ts'
import { expectClose, expectError } from './expect.ts'
import type { LooseFrame } from './loose.ts'
import { all, type Checked, fail, Finding } from './outcome.ts'
import type { Session } from './session.ts'
import type { WireMessage } from './wire.ts'

/** Named messages that are written as they are. */
export type Messages = Readonly<Record<string, string | Uint8Array | WireMessage>>

/** A request that has to be refused, and which field its `error` has to name, or the map that it is in. */
export interface Refusal {
  frame: LooseFrame
  error: ErrorName | readonly ErrorName[]
  names?: readonly string[]
}

/** Connections at a time; a few more may linger at the server while they end. */
const connectionsAtATime = 5
const optionalCaps = ['presence', 'receipts']
/** More than 100 refused frames end a connection. */
const refusalsPerConnection = 50

/** Each message, alone on a live connection, ends that connection so. */
export async function expectEachCloses(
  t: CaseContext,
  messages: Messages,
  allowed: CloseName | readonly (CloseName | number)[],
): Promise<Checked> {
  const user = t.caps.includes('devices') ? t.user() : undefined
  let isSilent = false
  const checks = await eachOf(Object.entries(messages), async ([what, message]) => {
    // One that is not closed says enough; to wait for each of them takes longer than a case may.
    if (isSilent) return []
    const stranger = await t.connect(user)
    writeMessage(stranger, message)
    const end = await stranger.ended()
    isSilent ||= end === undefined
    return labelled(what, expectClose(end, allowed))
  })
  return all(...checks.flat())
}

/** Each request is refused so, and the connections go on. */
export async function expectEachRefused(
  t: CaseContext,
  user: Session,
  rows: Readonly<Record<string, Refusal>>,
): Promise<Checked> {
  const entries = Object.entries(rows)
  const checks: Checked[] = []
  // What `user` asked for: without it a server may refuse a frame for want of the capability.
  const caps = optionalCaps.filter((cap) => user.caps.includes(cap))
  for (let at = 0; at < entries.length; at += refusalsPerConnection) {
    const device = await t.connect(user, { breaksRules: true, caps })
    const some = entries.slice(at, at + refusalsPerConnection)
    checks.push(...(await Promise.all(some.map(([what, row]) => expectRefusal(device, what, row)))))
    await ownFault(device.ping())
    await device.close()
  }
  return all(...checks)
}

async function expectRefusal(device: Session, what: string, row: Refusal): Promise<Checked> {
  const { error, names = [] } = row
  const reply = await ownFault(device.request(row.frame), what)
  const named = names.find((name) => reply.type === 'error' && reply.message.includes(name))
  return labelled(what, expectError(reply, error, named ?? names[0]))
}

/** What fails in `attempt` is about the sentence of the case, not about answers or sessions in general. */
export async function ownFault<T>(attempt: Promise<T>, what?: string): Promise<T> {
  try {
    return await attempt
  } catch (thrown) {
    if (!(thrown instanceof Finding) || thrown.outcome.verdict !== 'fail') throw thrown
    const { expected, actual, fault } = thrown.outcome
    const failed = fail(expected, actual, fault)
    throw new Finding(what === undefined ? failed : labelled(what, failed))
  }
}

/** Writes a message as it is: text, bytes, or what `encodeLoose` made of a frame. */
export function writeMessage(session: Session, message: string | Uint8Array | WireMessage): void {
  if (typeof message === 'string') session.writeText(message)
  else if (message instanceof Uint8Array) session.writeBinary(message)
  else if (message.kind === 'text') session.writeText(message.payload)
  else session.writeBinary(message.payload)
}

/** The same check, saying which row of a table it is about. */
export function labelled(what: string, checked: Checked): Checked {
  return { ...checked, expected: `${what}: ${checked.expected}`, actual: `${what}: ${checked.actual}` }
}

/** Runs a few at a time; the results are in the order of the items. */
export async function eachOf<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await run(next[1])
  }
  await Promise.all(Array.from({ length: connectionsAtATime }, worker))
  return results
}
