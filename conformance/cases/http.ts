// Plain HTTP beside the sockets: SPEC.md#http-endpoints.
import { errors, subprotocols } from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import type { CaseContext } from '../context.ts'
import { expectEqual, expectThat } from '../expect.ts'
import { flippedToken } from '../tokens.ts'
import type { HttpAnswer } from '../http.ts'
import { all, type Checked, notApplicable, untestable } from '../outcome.ts'
import { labelled } from '../provoke.ts'

// [HTTP-01] `GET /.well-known/chatspec` SHOULD answer with `protocol`, `endpoint`, `subprotocols`, `caps` and `limits`.
export const serverIntroducesItself = defineCase({
  id: 'http/server-introduces-itself',
  rules: ['HTTP-01'],
  level: 'should',
  async run(t) {
    const answer = await t.http('/.well-known/chatspec')
    const { protocol, endpoint, subprotocols: spoken, caps, limits } = fields(answer.json())
    const { welcome } = await t.connect()
    const missing = welcome.caps.filter((cap) => !Array.isArray(caps) || !caps.includes(cap))
    return all(
      expectEqual('status', answer.status, 200),
      expectEqual('protocol', protocol, 'chatspec/1'),
      expectThat('endpoint is a path', typeof endpoint === 'string' && endpoint.startsWith('/'), endpoint),
      expectThat(
        `${subprotocols[t.encoding]} is listed`,
        Array.isArray(spoken) && spoken.includes(subprotocols[t.encoding]),
        spoken,
      ),
      expectEqual('caps of welcome that are missing', missing, []),
      expectEqual('limits', limits, welcome.limits),
    )
  },
})

// [HTTP-02] `GET /healthz` SHOULD answer with status 200 while the process works.
export const healthIsShown = defineCase({
  id: 'http/health-is-shown',
  rules: ['HTTP-02'],
  level: 'should',
  encodings: ['json'],
  async run(t) {
    return expectEqual('status', (await t.http('/healthz')).status, 200)
  },
})

// [HTTP-03] `GET /readyz` SHOULD answer with status 200 while new sessions are taken.
export const readinessIsShown = defineCase({
  id: 'http/readiness-is-shown',
  rules: ['HTTP-03'],
  level: 'should',
  encodings: ['json'],
  async run(t) {
    return expectEqual('status', (await t.http('/readyz')).status, 200)
  },
})

// [HTTP-04] `GET /metrics` SHOULD answer those who may see it in the text format of Prometheus.
export const metricsAreInTheFormatOfPrometheus = defineCase({
  id: 'http/metrics-are-in-the-format-of-prometheus',
  rules: ['HTTP-04'],
  level: 'should',
  encodings: ['json'],
  async run(t) {
    const { status, headers, body } = await t.metrics()
    if (status === 401 || status === 403)
      return untestable(`the judge may not see the metrics: HTTP ${status}`)
    const odd = body.split('\n').filter((line) => !sample.test(line))
    return all(
      expectEqual('status', status, 200),
      expectThat(
        'Content-Type text/plain',
        /^text\/plain\b/.test(headers.get('content-type') ?? ''),
        headers.get('content-type'),
      ),
      expectEqual('lines that are no sample and no comment', odd.slice(0, 3), []),
      expectThat('there is a sample', /^[a-z]/im.test(body), body.slice(0, 40)),
    )
  },
})

// [HTTP-05] `GET /api/history` SHOULD answer with the page that the same `history` frame would get.
export const historyByHttpIsThePageOfTheFrame = defineCase({
  id: 'http/history-by-http-is-the-page-of-the-frame',
  rules: ['HTTP-05'],
  level: 'should',
  needs: ['history'],
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    for (const content of ['one', 'two', 'three', 'four']) await alice.dm(bob, content, { meta: { content } })
    const { conv } = await alice.dm(bob, 'five')
    const checks: Checked[] = []
    for (const query of [
      { order: 'asc', limit: 10 },
      { order: 'desc', limit: 2 },
      { order: 'asc', limit: 9, afterSeq: 1, beforeSeq: 4 },
    ] as const) {
      const { type: _type, id: _id, nextCursor, ...page } = await bob.history(conv, query)
      const text = new URLSearchParams({ conv, ...mapValues(query) })
      const answer = await history(t, await t.token(bob.user), text)
      const { nextCursor: cursor, ...body } = fields(answer.json())
      checks.push(
        expectEqual(`status for ${text}`, answer.status, 200),
        expectEqual(`page for ${text}`, body, page),
      )
      checks.push(expectEqual(`a nextCursor for ${text}`, typeof cursor, typeof nextCursor))
    }
    return all(...checks)
  },
})

// [HTTP-06] The token and the rights are checked as for the frame, with the statuses of the table and a JSON body.
export const historyByHttpChecksTokenAndRights = defineCase({
  id: 'http/history-by-http-checks-token-and-rights',
  rules: ['HTTP-06'],
  level: 'must',
  needs: ['history'],
  encodings: ['json'],
  async run(t) {
    const [alice, bob] = await t.pair()
    const mallory = await t.connect()
    const { conv } = await alice.dm(bob)
    const good = { conv, order: 'asc', limit: '10' }
    const own = await t.token(bob.user)
    if ((await history(t, own, new URLSearchParams(good))).status === 404)
      return notApplicable('there is no /api/history')
    const stranger = await t.token(mallory.user)
    const forged = flippedToken(own, 'signature')
    const rows: Row[] = [
      ['no token', undefined, good, 401, 401],
      ['a forged token', forged, good, 401, 401],
      ['a stranger', stranger, good, 403, errors.NOT_MEMBER.code],
      ...badQueries(t.limits.historyMaxLimit).map(
        ([what, change, code]): Row => [what, own, { ...good, ...change }, 400, code],
      ),
    ]
    const checks = rows.map(async ([what, token, query, status, code]) =>
      labelled(what, expectHttpError(await history(t, token, new URLSearchParams(query)), status, code)),
    )
    return all(...(await Promise.all(checks)))
  },
})

/** What is asked, by whom, how, and the status and code of the answer. */
type Row = [string, string | undefined, Record<string, string>, number, number]

function badQueries(most: number): [string, Record<string, string>, number][] {
  const { BAD_REQUEST, CURSOR_INVALID } = errors
  return [
    ['no conversation', { conv: '' }, BAD_REQUEST.code],
    ['an order of its own', { order: 'up' }, BAD_REQUEST.code],
    ['limit 0', { limit: '0' }, BAD_REQUEST.code],
    ['limit x', { limit: 'x' }, BAD_REQUEST.code],
    ['a limit that is too large', { limit: `${most + 1}` }, BAD_REQUEST.code],
    ['no such cursor', { cursor: 'no such cursor' }, CURSOR_INVALID.code],
  ]
}

/** A comment, a sample with its labels and perhaps a timestamp, or an empty line. */
const sample =
  /^(?:#.*|[a-zA-Z_:][\w:]*(?:\{.*\})? (?:[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|Inf)|NaN)(?: -?\d+)?|)\r?$/i

function history(t: CaseContext, token: string | undefined, query: URLSearchParams): Promise<HttpAnswer> {
  return t.http(
    `/api/history?${query}`,
    token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } },
  )
}

function expectHttpError(answer: HttpAnswer, status: number, code: number): Checked {
  const error = fields(fields(answer.json()).error)
  return all(
    expectEqual('status', answer.status, status),
    expectEqual('error.code', error.code, code),
    expectEqual('types of name and message', [typeof error.name, typeof error.message], ['string', 'string']),
  )
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function mapValues(query: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, `${value}`]))
}
