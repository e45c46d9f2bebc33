// A naive log, and a property: whatever is done to a log, it says and holds what the naive one does.
import fc from 'fast-check'
import { expect } from 'vitest'
import type { AppendOutcome, Draft, LogOptions, MessageLog, RecordValue } from '../log.ts'
import { draft, readAll, testClock, windowMs } from './log-fixtures.ts'
import { samePayload } from '../log/payload.ts'
import type { Message } from '../../protocol/index.ts'

const conversations = ['d:alice:bob', 'g:team', 'd:bob:carol']
const senders = ['alice', 'bob']

type Action =
  | {
      do: 'append'
      conv: number
      from: number
      id: number
      content: number
      clientTime: number | undefined
      isForRepeatsOnly: boolean
    }
  | { do: 'put'; key: string[]; value: number | undefined }
  | { do: 'settle' }
  | { do: 'wait'; ms: number }
  | { do: 'reopen' }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      conv: fc.nat(2),
      from: fc.nat(1),
      id: fc.nat(40),
      content: fc.nat(1),
      clientTime: fc.option(fc.nat(9), { nil: undefined }),
      isForRepeatsOnly: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      key: fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 }),
      value: fc.option(fc.nat(9), { nil: undefined }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ do: 'settle' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(windowMs / 3) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
)

/** Everything in plain arrays, and every question answered by looking at all of it. */
class NaiveLog {
  readonly messages: Message[] = []
  readonly records = new Map<string, number>()

  answerRepeat(message: Draft, nowMs: number): AppendOutcome | undefined {
    const isEarlier = ({ from, msgId, timestamp }: Message): boolean =>
      from === message.from && msgId === message.msgId && nowMs - timestamp <= windowMs
    const earlier = this.messages.find(isEarlier)
    if (earlier !== undefined && !samePayload(earlier, message)) return { kind: 'conflict' }
    return earlier && { kind: 'duplicate', seq: earlier.seq, timestamp: earlier.timestamp }
  }

  append(message: Draft, nowMs: number): AppendOutcome {
    const answer = this.answerRepeat(message, nowMs)
    if (answer !== undefined) return answer
    const seq = this.of(message.conv).length + 1
    const timestamp = Math.max(message.timestamp, this.of(message.conv).at(-1)?.timestamp ?? 0)
    this.messages.push({ ...message, epoch: '', seq, timestamp })
    return { kind: 'stored', seq, timestamp }
  }

  of(conv: string): Message[] {
    return this.messages.filter((message) => message.conv === conv)
  }
}

export interface ModelOptions {
  open(options: LogOptions): Promise<MessageLog>
  /** Closes a log, and gives what it left behind. */
  reopen(log: MessageLog, options: LogOptions): Promise<MessageLog>
  runs: number
}

export async function checkAgainstModel({ open, reopen, runs }: ModelOptions): Promise<void> {
  const property = fc.asyncProperty(fc.array(action, { maxLength: 100, size: 'max' }), async (actions) => {
    const clock = testClock()
    const naive = new NaiveLog()
    let log = await open(clock.options)
    const expected: AppendOutcome[] = []
    const answered: AppendOutcome[] = []
    for (const step of actions) {
      if (step.do === 'append') {
        const message = draftOf(step, clock.ms)
        const answer = step.isForRepeatsOnly
          ? naive.answerRepeat(message, clock.ms)
          : naive.append(message, clock.ms)
        if (answer !== undefined) expected.push(answer)
        if (!step.isForRepeatsOnly) log.append(message, (outcome) => answered.push(outcome))
        else expect(log.answerRepeat(message, (outcome) => answered.push(outcome))).toBe(answer !== undefined)
      } else if (step.do === 'put') {
        log.putRecord(step.key, step.value)
        if (step.value === undefined) naive.records.delete(step.key.join('/'))
        else naive.records.set(step.key.join('/'), step.value)
      } else if (step.do === 'settle') await settle(log)
      else if (step.do === 'wait') clock.ms += step.ms
      else log = await reopen(log, clock.options)
    }
    await settle(log)
    expect(answered).toEqual(expected)
    compare(log, naive)
    await log.close()
  })
  await fc.assert(property, { numRuns: runs })
}

function draftOf(step: Extract<Action, { do: 'append' }>, timestamp: number): Draft {
  const conv = conversations[step.conv] ?? ''
  const clientTime = step.clientTime === undefined ? {} : { clientTime: step.clientTime }
  return draft(step.id, {
    conv,
    from: senders[step.from] ?? '',
    content: `content ${step.content}`,
    timestamp,
    ...clientTime,
  })
}

function settle(log: MessageLog): Promise<void> {
  return new Promise((resolve, reject) => {
    log.putRecord(['zz settled'], 1, (failure) => (failure === undefined ? resolve() : reject(failure)))
  })
}

function compare(log: MessageLog, naive: NaiveLog): void {
  for (const conv of conversations) {
    const messages = naive.of(conv)
    expect(readAll(log, conv)).toEqual(messages.map((message) => ({ ...message, epoch: log.epoch })))
    expect([log.head(conv), log.assignedHead(conv)]).toEqual([messages.length, messages.length])
    for (const { seq, timestamp } of messages) {
      expect(log.read(conv, { after: seq - 1, upTo: seq, limit: 1 })).toHaveLength(1)
      const first = messages.find((message) => message.timestamp >= timestamp)?.seq
      expect(log.seqAtTime(conv, timestamp)).toBe(first)
    }
  }
  const listed = new Map<string, RecordValue>()
  for (const first of ['a', 'b', 'ab']) {
    const own = log.getRecord([first])
    if (own !== undefined) listed.set(first, own)
    for (const [key, value] of log.listRecords([first])) listed.set(key.join('/'), value)
  }
  expect(listed).toEqual(naive.records)
}
