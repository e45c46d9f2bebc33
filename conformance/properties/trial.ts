// One trial of a scenario against the server: acts it out, settles, reads everything back, and lets the checker judge.
import type { CaseContext } from '../context.ts'
import { isMandatory } from '../catalogue.ts'
import { checkHistory, type CheckReport, type Violation } from '../checker/index.ts'
import { quiet } from '../deadline.ts'
import { historyFailures } from '../expect-history.ts'
import { defects } from '../judge.ts'
import { type Checked, Finding, type Skipped } from '../outcome.ts'
import type { RuleId } from '../../protocol/index.ts'
import { type Command, describeScenario, type Scenario } from './commands.ts'
import { comeBack, connect, end, freeze, refresh, thaw } from './connect.ts'
import { changeMembers, history, mark, sync } from './read.ts'
import { send, repeat, sendInPieces, sendTwice } from './send.ts'
import { fence, setUp, settle } from './settle.ts'
import { type Device, World } from './world.ts'

/** What one trial showed. */
export interface Trial {
  scenario: Scenario
  context: CaseContext
  /** What broke a MUST, and what broke a SHOULD. */
  failures: Checked[]
  warnings: Checked[]
  /** Proofs of the checker. */
  violations: Violation[]
  report: CheckReport
  demands: ReadonlyMap<RuleId, number>
  /** The server, or the target, did not take part. */
  skipped?: Skipped
}

/** @throws Error if it is our own trouble */
export async function tryScenario(t: CaseContext, scenario: Scenario): Promise<Trial> {
  const context = t.fork()
  const world = new World(context, scenario.cast)
  try {
    const found = await actOut(world, scenario)
    return conclude(world, scenario, found)
  } finally {
    await context.end()
  }
}

async function actOut(world: World, scenario: Scenario): Promise<Finding | undefined> {
  try {
    await setUp(world)
    await act(world, scenario)
    await settle(world)
    return undefined
  } catch (error) {
    if (error instanceof Finding) return error
    throw error
  }
}

function conclude(world: World, scenario: Scenario, found: Finding | undefined): Trial {
  const { t: context, wrongs, demands } = world
  const broken = context.sessions.find(({ trouble }) => trouble !== undefined)
  if (broken) throw broken.trouble
  const report = checkHistory(context.history.events, nothingIsTooLittle)
  const outcome = found?.outcome
  const all = [
    ...(outcome?.verdict === 'fail' ? [outcome] : []),
    ...wrongs,
    ...defects(context),
    ...historyFailures(report),
  ]
  const isMust = ({ rule }: Checked): boolean => rule === undefined || isMandatory(rule)
  return {
    scenario,
    context,
    failures: all.filter(isMust),
    warnings: all.filter((one) => !isMust(one)),
    violations: report.rules.flatMap(({ violations }) => violations),
    report,
    demands,
    ...(outcome && 'reason' in outcome && { skipped: outcome }),
  }
}

/** What too little is, is a question to all trials together. */
const nothingIsTooLittle = { minimum: { okSends: 0, deliveries: 0, finalReadShare: 0 } }

/** One command after the other; or every device by itself, as far as the next meeting. */
async function act(world: World, scenario: Scenario): Promise<void> {
  const { commands, atOnce } = scenario
  const lines = describeScenario(scenario)
  world.t.trace.add('', '-', lines[0] ?? '')
  const steps = commands.map((command, index) => ({ command, line: lines[index + 1] ?? '' }))
  if (!atOnce) {
    for (const step of steps) await take(world, step)
    return
  }
  for (let at = 0; at < steps.length; at++) {
    const meeting = steps.findIndex(({ command }, index) => index >= at && command.do === 'meet')
    const until = meeting < 0 ? steps.length : meeting
    await sideBySide(world, steps.slice(at, until))
    at = until
  }
}

interface Step {
  command: Command
  line: string
}

async function sideBySide(world: World, steps: readonly Step[]): Promise<void> {
  const lanes = new Map<Device, Step[]>()
  for (const step of steps) {
    if (step.command.do === 'meet') continue
    const device = world.device(step.command.by)
    lanes.set(device, [...(lanes.get(device) ?? []), step])
  }
  const walking = [...lanes.values()].map(async (lane) => {
    for (const step of lane) await take(world, step)
  })
  const ends = await Promise.allSettled(walking)
  const failed = ends.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}

/** A device that does not read has no answers to wait for. */
async function take(world: World, { command, line }: Step): Promise<void> {
  if (command.do === 'meet') return
  const device = world.device(command.by)
  world.t.trace.add('', '-', line)
  if (!endsOrBegins.has(command.do)) await comeBack(world, device)
  if (endsOrBegins.has(command.do) && command.do !== 'connect' && device.isAway) return
  const done = quiet(perform(world, device, command))
  if (device.isFrozen && command.do !== 'connect') world.pending.push(done)
  else await done
}

const endsOrBegins: ReadonlySet<string> = new Set(['connect', 'cut', 'half-close', 'close', 'freeze', 'thaw'])

async function perform(
  world: World,
  device: Device,
  command: Exclude<Command, { do: 'meet' }>,
): Promise<void> {
  switch (command.do) {
    case 'send':
      return send(world, device, command)
    case 'repeat':
      return repeat(world, device, command)
    case 'send twice':
      return sendTwice(world, device, command)
    case 'send in pieces':
      return sendInPieces(world, device, command)
    case 'connect':
      return connect(world, device, command)
    case 'cut':
    case 'half-close':
    case 'close':
      return end(device, command.do)
    case 'freeze':
      return freeze(device)
    case 'thaw':
      return thaw(device)
    case 'hold acks':
      device.holdsAcks = true
      device.session.autoAck = false
      return
    case 'ack':
    case 'read':
      return mark(device, command)
    case 'join':
    case 'leave':
    case 'add':
    case 'remove':
      return changeMembers(world, device, command)
    case 'history':
      return void (await history(world, device, command))
    case 'sync':
      return sync(device, command)
    case 'refresh':
      return refresh(world, device)
    case 'fence':
      return fence(device.session)
  }
}
