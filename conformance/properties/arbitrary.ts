// Which scenarios there are: what a server promises and allows, weighted by what a case is about.
import * as fc from 'fast-check'
import type { Command, CommandName, From, Leaving, Place, Scenario } from './commands.ts'

/** What of it all this server takes. */
export interface Scope {
  groups: boolean
  history: boolean
  sync: boolean
  resume: boolean
  receipts: boolean
  /** The same msgId again: the server remembers it for long enough. */
  repeats: boolean
  /** To acknowledge nothing for a while. */
  holds: boolean
  bothEncodings: boolean
  mostUsers: number
  mostDevices: number
  mostAtOnce: number
  mostCommands: number
  mostPage: number
}

/** How often a command comes up; what is not named does not. */
export type Weights = Partial<Record<CommandName, number>>

export interface Taste {
  weights: Weights
  /** It is about groups: there are always two, and most messages go there. */
  isAboutGroups?: boolean
}

export function scenarios(scope: Scope, { weights, isAboutGroups = false }: Taste): fc.Arbitrary<Scenario> {
  const known = commandsOf(scope, isAboutGroups ? 4 : 1)
  const command = fc.oneof(
    ...Object.entries(weights).flatMap(([name, weight]) => {
      const arbitrary = known[name as CommandName]
      return arbitrary ? [{ weight, arbitrary }] : []
    }),
  )
  const half = fc.array(command, { maxLength: Math.ceil(scope.mostCommands / 2), size: 'max' })
  return fc.record({
    // Simpler is earlier: a sequence that fails at a slow pace too is shown at the slow pace.
    atOnce: fc.boolean(),
    cast: fc.record({
      users: fc.integer({ min: 2, max: scope.mostUsers }),
      devices: fc.integer({ min: 1, max: scope.mostDevices }),
      groups: fc.integer({ min: isAboutGroups ? 2 : 0, max: scope.groups ? 2 : 0 }),
    }),
    // Two halves, so that few sequences are very short.
    commands: fc.tuple(half, half).map(([first, second]) => [...first, ...second]),
  })
}

/** Everything that this server can be asked for. Only numbers of messages shrink: what else is drawn is as good as any. */
function commandsOf(scope: Scope, groupWeight: number): Known {
  const to = placeOf(scope, groupWeight)
  return {
    ...messages(scope, to),
    ...connections(scope),
    ...(scope.groups && memberships()),
    ...(scope.history && { history: historyOf(scope, to) }),
    ...(scope.sync && { sync: syncOf(scope) }),
  }
}

const by = fc.noShrink(fc.record({ user: fc.nat(3), device: fc.nat(1) }))
const group = fc.noShrink(fc.nat(1))
const other = fc.noShrink(fc.nat(3))
const coin = fc.noShrink(fc.boolean())
const froms: readonly From[] = [
  'nowhere',
  'here',
  'earlier',
  'earlier',
  'earlier',
  'the future',
  'another epoch',
]

type Known = Partial<Record<CommandName, fc.Arbitrary<Command>>>

/** One command: its name, and where its other fields come from. */
function one<N extends CommandName, F extends object>(
  name: N,
  fields: { [K in keyof F]: fc.Arbitrary<F[K]> },
): fc.Arbitrary<{ do: N } & F> {
  return fc.record({ do: fc.constant(name), ...fields }) as unknown as fc.Arbitrary<{ do: N } & F>
}

function pick<T>(...values: [T, ...T[]]): fc.Arbitrary<T> {
  return fc.noShrink(fc.constantFrom(...values))
}

function placeOf({ groups }: Scope, weight: number): fc.Arbitrary<Place> {
  const direct = fc.record({ with: fc.nat(2) })
  if (!groups) return fc.noShrink(direct)
  const inGroup = fc.record({ group })
  return fc.noShrink(fc.oneof({ weight: 1, arbitrary: direct }, { weight, arbitrary: inGroup }))
}

function messages(scope: Scope, to: fc.Arbitrary<Place>): Known {
  const count = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: scope.mostAtOnce }))
  const back = fc.noShrink(fc.integer({ min: -1, max: 3 }))
  const bytes = fc.noShrink(fc.integer({ min: 1, max: 90 }))
  return {
    send: one('send', { by, to, count, body: fc.noShrink(fc.nat(3)), waits: coin }),
    ...(scope.repeats && repeats(to)),
    'send in pieces': one('send in pieces', {
      by,
      to,
      how: pick<'fragments' | 'slices'>('fragments', 'slices'),
      bytes,
    }),
    ...(scope.holds && { 'hold acks': one('hold acks', { by }) }),
    ack: one('ack', { by, back }),
    ...(scope.receipts && { read: one('read', { by, back }) }),
  }
}

function repeats(to: fc.Arbitrary<Place>): Known {
  const change = pick<'nothing' | 'content' | 'target'>('nothing', 'nothing', 'content', 'target')
  return {
    repeat: one('repeat', { by, which: fc.noShrink(fc.nat(9)), change }),
    'send twice': one('send twice', { by, to }),
  }
}

function connections(scope: Scope): Known {
  const from = scope.resume ? fc.noShrink(fc.constantFrom(...froms)) : fc.constant<From>('nowhere')
  const plain = ['cut', 'half-close', 'close', 'freeze', 'thaw', 'refresh', 'fence'] as const
  return {
    connect: one('connect', {
      by,
      after: pick<Leaving>('cut', 'close', 'nothing'),
      from,
      swap: scope.bothEncodings ? coin : fc.constant(false),
    }),
    ...Object.fromEntries(plain.map((name) => [name, one(name, { by })])),
    meet: fc.constant<Command>({ do: 'meet' }),
  }
}

function memberships(): Known {
  return {
    join: one('join', { by, group }),
    leave: one('leave', { by, group }),
    add: one('add', { by, group, other }),
    remove: one('remove', { by, group, other }),
  }
}

function historyOf(scope: Scope, to: fc.Arbitrary<Place>): fc.Arbitrary<Command> {
  const limit = fc.integer({ min: 1, max: scope.mostPage })
  const order = pick<'asc' | 'desc'>('asc', 'desc')
  return one('history', { by, to, order, limit, writes: coin })
}

function syncOf({ mostPage }: Scope): fc.Arbitrary<Command> {
  const limit = fc.integer({ min: 1, max: mostPage })
  const from = pick<From>('here', 'earlier', 'earlier', 'the future', 'another epoch')
  return one('sync', { by, from, limit })
}
