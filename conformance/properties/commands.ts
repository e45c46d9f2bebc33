// What a generated case does: plain data, and the line in which a person reads it.

/** Somebody's conversation: with another user (counted from the one who speaks), or a group. */
export type Place = { with: number } | { group: number }

/** Where a device says it stands. */
export type From = 'nowhere' | 'here' | 'earlier' | 'the future' | 'another epoch'

/** What becomes of the connection that a device still has when it makes a new one. */
export type Leaving = 'cut' | 'close' | 'nothing'

/** Which user and which of its devices; both counted around the cast. */
export interface By {
  user: number
  device: number
}

export type Command =
  | { do: 'send'; by: By; to: Place; count: number; body: number; waits: boolean }
  | { do: 'repeat'; by: By; which: number; change: 'nothing' | 'content' | 'target' }
  | { do: 'send twice'; by: By; to: Place }
  | { do: 'send in pieces'; by: By; to: Place; how: 'fragments' | 'slices'; bytes: number }
  | { do: 'connect'; by: By; after: Leaving; from: From; swap: boolean }
  | { do: 'cut' | 'half-close' | 'close' | 'freeze' | 'thaw' | 'hold acks' | 'refresh' | 'fence'; by: By }
  | { do: 'ack' | 'read'; by: By; back: number }
  | { do: 'join' | 'leave'; by: By; group: number }
  | { do: 'add' | 'remove'; by: By; group: number; other: number }
  | { do: 'history'; by: By; to: Place; order: 'asc' | 'desc'; limit: number; writes: boolean }
  | { do: 'sync'; by: By; from: From; limit: number }
  | { do: 'meet' }

export type CommandName = Command['do']

export interface Cast {
  users: number
  /** Of each user, all connected at the beginning. */
  devices: number
  /** The first is everybody's, the second its owner's alone. */
  groups: number
}

/** One trial: who takes part, and what they do. */
export interface Scenario {
  cast: Cast
  /** Devices act side by side and only meet where they are told to; false: one command after the other. */
  atOnce: boolean
  commands: readonly Command[]
}

const names = ['alice', 'bob', 'carol', 'dave', 'erin']

/** The lines of a report: who is there, then every command. */
export function describeScenario({ cast, atOnce, commands }: Scenario): string[] {
  const devices = cast.devices === 1 ? 'one device' : `${cast.devices} devices`
  const people = names.slice(0, cast.users).join(', ')
  const groups = ['no group', 'a group of all', "a group of all, a group of alice's alone"][cast.groups]
  const pace = atOnce ? 'all at once' : 'one after the other'
  return [
    `given: ${people} with ${devices} each, connected; ${groups}; ${pace}`,
    ...commands.map((command, index) => `${index + 1}. ${describe(command, cast)}`),
  ]
}

function describe(command: Command, cast: Cast): string {
  if (command.do === 'meet') return 'all wait for each other'
  return `${actor(command.by, cast)} ${what(command, cast)}`
}

function what(command: Exclude<Command, { do: 'meet' }>, cast: Cast): string {
  switch (command.do) {
    case 'send': {
      const { count, to, waits } = command
      const messages = count === 1 ? 'a message' : `${count} messages at once`
      return `sends ${messages} to ${place(to, command.by, cast)}${waits ? '' : ', without waiting'}`
    }
    case 'repeat': {
      const change = command.change === 'nothing' ? '' : `, with another ${command.change}`
      return `repeats message ${command.which + 1} of its user (counted around)${change}`
    }
    case 'send twice':
      return `sends one message to ${place(command.to, command.by, cast)} twice, from all devices at once`
    case 'send in pieces':
      return `sends a message to ${place(command.to, command.by, cast)} in ${command.how} of ${command.bytes} bytes`
    case 'connect': {
      const from = command.from === 'nowhere' ? '' : `, resuming from ${command.from}`
      const before = { cut: 'is cut and ', close: 'closes and ', nothing: '' }[command.after]
      return `${before}connects again${from}${command.swap ? ', in the other encoding' : ''}`
    }
    case 'ack':
    case 'read':
      return `${command.do === 'ack' ? 'acknowledges' : 'marks as read'} all that it got${lessThan(command.back)}`
    case 'join':
    case 'leave':
      return `${command.do}s group ${command.group + 1}`
    case 'add':
    case 'remove':
      return `${command.do}s ${nameOf(command.other, cast)}, group ${command.group + 1}`
    case 'history': {
      const { to, order, limit, writes } = command
      const meanwhile = writes ? ', writing between pages' : ''
      return `reads the history of ${place(to, command.by, cast)}, ${order === 'asc' ? 'forwards' : 'backwards'}, ${limit} a page${meanwhile}`
    }
    case 'sync':
      return `syncs from ${command.from}, at most ${command.limit} messages`
    default:
      return verbs[command.do]
  }
}

const verbs = {
  cut: 'is cut (RST)',
  'half-close': 'half-closes (FIN)',
  close: 'closes in an orderly way',
  freeze: 'stops reading',
  thaw: 'reads again',
  'hold acks': 'stops acknowledging',
  refresh: 'refreshes its token',
  fence: 'waits for a fence',
}

function lessThan(back: number): string {
  return back === 0 ? '' : back < 0 ? ', and what does not exist' : `, but the last ${back}`
}

function actor({ user, device }: By, cast: Cast): string {
  const name = nameOf(user, cast)
  const index = device % cast.devices
  return index === 0 ? name : `${name}'s device ${index + 1}`
}

function nameOf(user: number, cast: Cast): string {
  return names[user % cast.users] ?? `user ${user}`
}

function place(to: Place, by: By, cast: Cast): string {
  if ('group' in to && cast.groups > 0) return `group ${(to.group % cast.groups) + 1}`
  return `${nameOf(partner(to, by.user, cast), cast)}`
}

/** The other user of a direct conversation: never oneself. */
export function partner(to: Place, user: number, { users }: Cast): number {
  const step = 'with' in to ? to.with : 0
  return (user + 1 + (step % (users - 1))) % users
}
