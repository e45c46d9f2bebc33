// What is generated: only what a server takes, the same from the same seed; and how a person reads it.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Scope, scenarios, type Weights } from './arbitrary.ts'
import { type CommandName, describeScenario, type Scenario } from './commands.ts'

const everything: Scope = {
  groups: true,
  history: true,
  sync: true,
  resume: true,
  receipts: true,
  repeats: true,
  holds: true,
  bothEncodings: true,
  mostUsers: 4,
  mostDevices: 2,
  mostAtOnce: 5,
  mostCommands: 20,
  mostPage: 4,
}
const nothing: Scope = {
  ...everything,
  groups: false,
  history: false,
  sync: false,
  resume: false,
  receipts: false,
  repeats: false,
  holds: false,
  bothEncodings: false,
  mostDevices: 1,
}
const names: readonly CommandName[] = [
  'send',
  'repeat',
  'send twice',
  'send in pieces',
  'connect',
  'cut',
  'half-close',
  'close',
  'freeze',
  'thaw',
  'hold acks',
  'refresh',
  'fence',
  'ack',
  'read',
  'join',
  'leave',
  'add',
  'remove',
  'history',
  'sync',
  'meet',
]
const weights: Weights = Object.fromEntries(names.map((name) => [name, 1]))

function drawn(scope: Scope, path?: string): Scenario[] {
  const options = { seed: 7, numRuns: 200, unbiased: true, ...(path !== undefined && { path }) }
  return fc.sample(scenarios(scope, { weights }), options)
}

function commandsIn(all: readonly Scenario[]): Set<CommandName> {
  return new Set(all.flatMap(({ commands }) => commands.map((command) => command.do)))
}

test('a server that declares everything is asked for everything', () => {
  expect([...commandsIn(drawn(everything))].sort()).toEqual([...names].sort())
})

test('what a server does not declare is never asked for', () => {
  const all = drawn(nothing)
  const refused = [
    'join',
    'leave',
    'add',
    'remove',
    'history',
    'sync',
    'read',
    'repeat',
    'send twice',
    'hold acks',
  ]
  expect([...commandsIn(all)].sort()).toEqual(names.filter((name) => !refused.includes(name)).sort())
  for (const { cast, commands } of all) {
    expect(cast).toMatchObject({ devices: 1, groups: 0 })
    for (const command of commands) {
      if (command.do === 'connect') expect(command).toMatchObject({ from: 'nowhere', swap: false })
      if (command.do === 'send') expect(command.to).toHaveProperty('with')
    }
  }
})

test('sequences keep to the limits', () => {
  for (const { cast, commands } of drawn(everything)) {
    expect(commands.length).toBeLessThanOrEqual(everything.mostCommands)
    expect(cast.users).toBeLessThanOrEqual(everything.mostUsers)
    for (const command of commands)
      if (command.do === 'send') expect(command.count).toBeLessThanOrEqual(everything.mostAtOnce)
  }
})

test('a seed and a path lead to one sequence', () => {
  const [first] = drawn(everything, '5:0')
  expect(drawn(everything, '5:0')[0]).toEqual(first)
  expect(drawn(everything)[5]).not.toEqual(first)
})

test('every command is one line', () => {
  const by = { user: 4, device: 1 }
  const cast = { users: 3, devices: 2, groups: 1 }
  const lines = describeScenario({
    cast,
    atOnce: true,
    commands: [
      { do: 'send', by, to: { with: 0 }, count: 2, body: 0, waits: false },
      { do: 'connect', by, after: 'cut', from: 'earlier', swap: true },
      { do: 'history', by: { user: 0, device: 0 }, to: { group: 1 }, order: 'desc', limit: 2, writes: true },
      { do: 'meet' },
    ],
  })
  expect(lines).toEqual([
    'given: alice, bob, carol with 2 devices each, connected; a group of all; all at once',
    "1. bob's device 2 sends 2 messages at once to carol, without waiting",
    "2. bob's device 2 is cut and connects again, resuming from earlier, in the other encoding",
    '3. alice reads the history of group 1, backwards, 2 a page, writing between pages',
    '4. all wait for each other',
  ])
})
