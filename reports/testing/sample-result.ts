// A result with every verdict and every nastiness that a server can put into one: what the golden files are made of.
import type { CaseResult, CheckResult, ConformanceResult, Verdict } from '../../conformance/result.ts'
import { clauses } from '../../protocol/index.ts'

type TraceLine = CaseResult['fullTrace'][number]

const nasty =
  '</script><script>alert(1)</script> & "quotes" \'single\' ]]> `code` | \u0000\u001b[31m\u202e\ud800 end'

/** One result, as conformance would write it; made by hand, so that reports are tested without a run. */
export const sampleResult: ConformanceResult = {
  kind: 'conformance',
  schemaVersion: 1,
  tool: { name: 'chatspec', version: '0.1.0' },
  target: {
    url: 'wss://chat.example/ws?…',
    capabilities: [
      'durability=fsync',
      'fence',
      'groups',
      'history',
      'history=window',
      'join=open',
      '<b>&nasty=1</b>',
    ],
    limits: {
      maxFrame: 131_072,
      maxContent: 16_384,
      window: 256,
      sendWindow: 256,
      ackTimeoutMs: 30_000,
      dedupWindowMs: 86_400_000,
      offlineMax: 10_000,
      historyMaxLimit: 500,
      resumeWindowMs: 2_592_000_000,
      helloTimeoutMs: 10_000,
      sendRatePerSecond: 200,
      sendBurst: 1_000,
      frameRatePerSecond: 1_000,
      frameBurst: 5_000,
      connectionsPerUser: 20,
      conversationsPerUser: 1_000,
      groupMembersMax: 1_000,
    },
    heartbeat: { intervalMs: 60_000, timeoutMs: 10_000, maxMissed: 2, deadAfterMs: 130_000 },
    encodings: ['json', 'cbor'],
  },
  environment: { node: 'v20.20.2', platform: 'linux 6.1.0 x64', cpu: 'Example CPU @ 2.50GHz', cpuCount: 2 },
  profile: 'quick',
  encodings: ['json', 'cbor'],
  seed: 3_735_928_559,
  started: '2026-01-02T03:04:05.678Z',
  durationMs: 12_345,
  cutShort: 'interrupted',
  cases: [
    ...both('auth', 'unsigned-tokens-are-refused', 'AUTH-02', { verdict: 'pass' }),
    ...both('ordering', 'pipelined-sends-keep-their-order', 'ORD-03', {
      verdict: 'pass',
      checks: [
        check('ORD-03', 'pass', {
          sentence: sentenceOf('ORD-03'),
          expected: 'seq: strictly increasing',
          actual: '50 in order',
        }),
        ...[1, 2, 3].map(() =>
          check('ORD-02', 'pass', {
            expected: 'seq: 1, 2, … without hole or repeat',
            actual: '50 without a hole',
          }),
        ),
      ],
    }),
    sample('dedup', 'users-share-no-ids', 'DED-02', { verdict: 'pass' }),
    sample('dedup', 'users-share-no-ids', 'DED-02', {
      encoding: 'cbor',
      verdict: 'fail',
      checks: [
        check('DED-02', 'fail', {
          sentence: sentenceOf('DED-02'),
          expected: 'sent, duplicate: false',
          actual: 'error id=3 code=106 name="MSGID_CONFLICT" retryable=false',
          fault: 'wrong',
        }),
        check('ACK-03', 'fail', { expected: 'the same seq again', actual: 'seq: 2', fault: 'wrong' }),
        check('ACK-01', 'pass', { expected: 'sent to alice', actual: 'sent to alice' }),
      ],
      fullTrace: [
        line(0.4, 'alice/1', '-', 'open chatspec.v1.cbor'),
        line(0.9, 'alice/1', '>', 'hello id=1 token=<token> deviceId="dev-1"'),
        line(3.2, 'alice/1', '<', 'welcome id=1 sessionId="s-1" userId="alice" limits={…}'),
        line(
          4.1,
          'bob/1',
          '>',
          'send id=3 msgId="3f0b6c1e-8a54-4d0e-9b7a-2f1c5d6e7f80" to="alice" content="hi"',
        ),
        line(6.0, 'bob/1', '<', 'error id=3 code=106 name="MSGID_CONFLICT" retryable=false'),
      ],
    }),
    sample('framing', 'a-server-that-writes-markup', 'FRM-01', {
      verdict: 'fail',
      checks: [
        check('FRM-01', 'fail', {
          sentence: nasty,
          expected: nasty,
          actual: `two\nlines, ${nasty}`,
          fault: 'malformed',
        }),
      ],
      fullTrace: [line(1, nasty, '<', nasty), ...longTrace()],
      history: {
        file: 'histories/framing-a-server-that-writes-markup.json.jsonl',
        verdict: 'fail',
        broken: ['H3', 'H7'],
      },
    }),
    sample('framing', 'errors-name-the-field', 'FRM-04', {
      encoding: 'cbor',
      level: 'should',
      verdict: 'warn',
      checks: [
        check('FRM-04', 'warn', {
          sentence: 'The message of a BAD_REQUEST SHOULD name the field.',
          expected: 'error 101 BAD_REQUEST that names "to"',
          actual: 'error id=2 code=101 message="bad request"',
          fault: 'wrong',
        }),
      ],
    }),
    sample('limits', 'bursts-are-exact', 'LIM-07', {
      verdict: 'known-failure',
      reason: 'bursts are off by one (https://chat.example/bugs/7, until 2026-12-31)',
      checks: [
        check('LIM-07', 'fail', { expected: '1000 accepted', actual: '1001 accepted', fault: 'wrong' }),
      ],
    }),
    sample('groups', 'the-owner-adds-members', 'GRP-12', {
      verdict: 'not-applicable',
      reason: 'the server does not declare join=owner',
    }),
    sample('durability', 'kill-loses-nothing', 'CRS-01', {
      verdict: 'untestable',
      reason: 'the target has no hook kill',
    }),
    sample('heartbeat', 'a-silent-peer-is-closed', 'HB-02', {
      verdict: 'unknown',
      reason: 'it was not over after 30000 ms',
    }),
    sample('presence', 'flapping-ends-online', 'PRS-03', {
      verdict: 'harness-error',
      reason: `TypeError: cannot read properties of undefined\n    at run (presence.ts:12:3)\n${nasty}`,
    }),
  ],
  counts: {
    pass: 5,
    fail: 2,
    warn: 1,
    'known-failure': 1,
    'not-applicable': 1,
    untestable: 1,
    unknown: 1,
    'harness-error': 1,
  },
  baseline: [
    {
      case: 'limits/bursts-are-exact',
      reason: 'bursts are off by one',
      link: 'https://chat.example/bugs/7',
      expires: '2026-12-31',
      status: 'holds',
    },
    {
      rule: 'AUTH-02',
      reason: 'the library accepts none',
      link: 'https://chat.example/bugs/8',
      expires: '2026-12-31',
      status: 'passes',
    },
  ],
  coverage: {
    tested: ['AUTH-02', 'ORD-02', 'ORD-03', 'DED-02', 'ACK-01', 'ACK-03', 'FRM-01', 'FRM-04'],
    untested: ['CRS-01', 'GRP-12', 'HB-02', 'PRS-03'],
  },
  set: {
    name: 'chatspec/1.0',
    kept: ['ACK-01', 'AUTH-02', 'ORD-02', 'ORD-03'],
    broken: ['ACK-03', 'DED-02', 'FRM-01', 'FRM-04', 'LIM-07'],
    notTested: ['HB-02', 'PRS-03'],
    notApplicable: ['GRP-12'],
  },
  verdict: 'not-conformant',
}

/** The same target on a good day. */
export const conformantResult: ConformanceResult = withCases(
  sampleResult.cases.filter(({ verdict }) => verdict === 'pass'),
)

function withCases(cases: CaseResult[]): ConformanceResult {
  const { cutShort: _, baseline: __, ...rest } = sampleResult
  const none = {
    fail: 0,
    warn: 0,
    'known-failure': 0,
    'not-applicable': 0,
    untestable: 0,
    unknown: 0,
    'harness-error': 0,
  }
  const set = { ...rest.set, broken: [], notTested: [], notApplicable: [] }
  return { ...rest, set, cases, counts: { ...none, pass: cases.length }, verdict: 'conformant' }
}

function both(
  group: string,
  slug: string,
  rule: string,
  more: Partial<CaseResult> & { verdict: Verdict },
): CaseResult[] {
  return [sample(group, slug, rule, more), sample(group, slug, rule, { ...more, encoding: 'cbor' })]
}

function sample(
  group: string,
  slug: string,
  rule: string,
  more: Partial<CaseResult> & { verdict: Verdict },
): CaseResult {
  const id = `${group}/${slug}`
  const encoding = more.encoding ?? 'json'
  const passed =
    more.verdict === 'pass' ? [check(rule, 'pass', { expected: 'close 4504', actual: 'close 4504' })] : []
  const fullTrace = more.fullTrace ?? []
  return {
    id,
    title: slug.replaceAll('-', ' '),
    group,
    encoding,
    level: 'must',
    rules: [rule],
    checks: passed,
    trace: fullTrace
      .slice(-3)
      .map(({ ms, connection, direction, text }) => `${ms} ms ${connection} ${direction} ${text}`),
    fullTrace,
    startedMs: 100,
    durationMs: 42,
    replay: `chatspec conform wss://chat.example/ws --only ${id} --encoding ${encoding} --seed 3735928559`,
    ...more,
  }
}

function check(
  rule: string,
  verdict: CheckResult['verdict'],
  more: Pick<CheckResult, 'expected' | 'actual'> & Partial<CheckResult>,
): CheckResult {
  return { rule, verdict, ...more }
}

/** As SPEC.md has it: README.md shows this result. @throws Error for an id that is no sentence's */
function sentenceOf(rule: string): string {
  const clause = clauses.find(({ id }) => id === rule)
  if (!clause) throw new Error(`no sentence ${rule}`)
  return clause.text
}

function line(ms: number, connection: string, direction: TraceLine['direction'], text: string): TraceLine {
  return { ms, connection, direction, text }
}

function longTrace(): TraceLine[] {
  return Array.from({ length: 100 }, (_, index) =>
    line(2 + index, 'bob/1', '<', `msg conv="d:alice:bob" seq=${index + 1}`),
  )
}
