// The judge: one pass over the events, each handed to the rules that look at it.
// HOT PATH, guarded by bench/checker.bench.ts
import { endFence, judgeQuiet, judgeReturn, startFence } from './completeness.ts'
import { closeConnection, openConnection, welcome } from './connections.ts'
import { conversationOf, createState, forgetNumbering, logOf, membershipOf, userOf } from './entities.ts'
import type {
  BaseEvent,
  ConnectEvent,
  ConnectionEvent,
  DeliverEvent,
  FaultEvent,
  GapEvent,
  HistoryEvent,
  InvalidEvent,
  LiveEvent,
  QuietEvent,
} from './events.ts'
import { finalReport } from './final.ts'
import { judgePresence, onPresence, onReceipt } from './marks.ts'
import { judgeVisible, noteMembership, settleMemberships } from './membership.ts'
import { observe } from './messages.ts'
import { type CheckerChoices, resolveOptions } from './options.ts'
import { onLive, onSynced } from './replay.ts'
import type { CheckReport } from './report.ts'
import {
  onError,
  onHistory,
  onMark,
  onMember,
  onOk,
  onPage,
  onSend,
  onSent,
  onSync,
  onTimeout,
} from './requests.ts'
import type { Connection, State } from './state.ts'
import { stateSize } from './state-size.ts'
import { follow, followGap, noteLeak } from './streams.ts'

export interface Checker {
  /** Takes the next event, in the order of the recording. */
  push(event: HistoryEvent): void
  /** The verdict over all that was pushed. */
  finish(): CheckReport
  /** How many things are remembered. */
  stateSize(): number
}

/** A judge for one history. @throws RangeError for an option out of its range */
export function createChecker(choices: CheckerChoices = {}): Checker {
  const state = createState(resolveOptions(choices))
  return {
    push: (event) => push(state, event),
    finish: () => finalReport(state),
    stateSize: () => stateSize(state),
  }
}

/** Judges a whole history. */
export function checkHistory(events: Iterable<HistoryEvent>, choices: CheckerChoices = {}): CheckReport {
  const checker = createChecker(choices)
  for (const event of events) checker.push(event)
  return checker.finish()
}

function push(state: State, event: HistoryEvent): void {
  state.counters.events += 1
  if (event.kind === 'header') {
    state.capabilities ??= event.capabilities
    return
  }
  judgeTime(state, event)
  if (event.kind === 'base') onBase(state, event)
  else if (event.kind === 'fault') onFault(state, event)
  else if (event.kind === 'quiet') onQuiet(state, event)
  else onConnection(state, event)
}

function onQuiet(state: State, event: QuietEvent): void {
  state.counters.quiets += 1
  settleMemberships(state)
  judgeQuiet(state, event)
  judgePresence(state, event)
}

function judgeTime(state: State, event: Exclude<HistoryEvent, { kind: 'header' }>): void {
  state.findings.tallies.H19.examined += 1
  if (event.ms >= state.nowMs) {
    state.nowMs = event.ms
    return
  }
  state.findings.violate('H19', {
    expected: `events in order, not before ${state.nowMs} ms`,
    actual: `${event.ms} ms`,
    events: [event],
  })
}

function onBase(state: State, event: BaseEvent): void {
  const conversation = conversationOf(state, event.conv)
  const log = logOf(conversation, event.epoch)
  log.base = event.seq
  log.head = Math.max(log.head, event.seq)
  for (const name of event.members ?? []) {
    const membership = membershipOf(conversation, userOf(state, name))
    membership.windows.push({ from: event.seq, to: Number.POSITIVE_INFINITY, sure: true })
    membership.changedBy = event
  }
}

const restarts: ReadonlySet<string> = new Set(['kill', 'restart'])

function onFault(state: State, event: FaultEvent): void {
  if (event.phase !== 'start') return
  state.counters.faults += 1
  if (!restarts.has(event.fault)) return
  state.findings.restarted(event.ms)
  settleMemberships(state)
  const forgets = state.capabilities?.includes('durability=memory') === true
  for (const conversation of state.conversations.values()) {
    // How far the acks of a device survive is not promised.
    for (const place of conversation.places) place.sureAcked = undefined
    if (forgets) forgetNumbering(conversation)
  }
  for (const connection of state.connections.values()) connection.server = forgets ? 'forgotten' : 'restarted'
}

type Kind = ConnectionEvent['kind']
type EventOf = { [K in Kind]: Extract<ConnectionEvent, { kind: K }> }
type Handlers = { readonly [K in Kind]: (state: State, connection: Connection, event: EventOf[K]) => void }

const handlers: Handlers = {
  connect: connectsTwice,
  welcome: (_, connection, event) => welcome(connection, event),
  live: goLive,
  close: closeConnection,
  send: onSend,
  sent: onSent,
  error: onError,
  timeout: onTimeout,
  ok: onOk,
  deliver: onDeliver,
  ack: onMark,
  read: onMark,
  sync: onSync,
  synced: onSynced,
  gap: onGap,
  history: onHistory,
  page: onPage,
  join: onMember,
  leave: onMember,
  membership: noteMembership,
  receipt: onReceipt,
  presence: (_, connection, event) => onPresence(connection, event),
  fence: (_, connection, event) => startFence(connection, event),
  fenced: endFence,
  invalid: (state, _, event) => onInvalid(state, event),
}

function onConnection(state: State, event: ConnectionEvent): void {
  const connection = state.connections.get(event.connection)
  if (connection !== undefined) handle(state, connection, event)
  else if (event.kind === 'connect') openConnection(state, event)
  else {
    state.findings.violate('H19', {
      expected: `events of ${event.connection} between its connect and its close`,
      actual: `${event.kind} outside of that`,
      events: [event],
    })
  }
}

function handle<K extends Kind>(state: State, connection: Connection, event: EventOf[K]): void {
  handlers[event.kind as K](state, connection, event)
}

/** A second `hello` on an open connection: no client writes it, except on purpose. */
function connectsTwice(state: State, { opened }: Connection, event: ConnectEvent): void {
  if (event.deliberate === true) return
  state.findings.violate('H19', {
    expected: 'a new id for each connection',
    actual: `${event.connection} connects twice`,
    events: [opened, event],
  })
}

function onDeliver(state: State, connection: Connection, event: DeliverEvent): void {
  state.counters.deliveries += 1
  const log = logOf(conversationOf(state, event.conv), event.epoch, connection)
  observe(state, log, event, event)
  if (judgeVisible(state, connection, log, { seq: event.seq, event })) follow(state, connection, log, event)
  else noteLeak(connection, log, event.seq)
}

function onGap(state: State, connection: Connection, event: GapEvent): void {
  state.counters.gaps += 1
  followGap(state, connection, logOf(conversationOf(state, event.conv), event.epoch, connection), event)
}

function goLive(state: State, connection: Connection, event: LiveEvent): void {
  onLive(state, connection, event)
  if (event.id !== undefined) {
    connection.requests.delete(event.id)
    return
  }
  connection.live = true
  judgeReturn(state, connection, event)
}

function onInvalid(state: State, event: InvalidEvent): void {
  if (event.deliberate) return
  state.findings.violate('H19', {
    expected: 'the harness to write only what a client may write',
    actual: `${event.connection} wrote something invalid`,
    events: [event],
  })
}
