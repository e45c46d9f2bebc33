// Plain HTTP beside the sockets: health, metrics, capabilities, history, revocation, and the page.
import { createHash, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errors, jsonCodec, subprotocols } from '../protocol/index.ts'
import type { Verified } from './auth.ts'
import { capabilities } from './capabilities.ts'
import { logFailure } from './failure.ts'
import { type HistoryError, type HistoryQuery, type HistoryResult, readHistory } from './handlers/history.ts'
import type { Hub } from './hub.ts'
import type { HttpRequest, HttpResponse, TemplatedApp } from './uws-types.ts'

type Revocation = { sub: string } | { jti: string }

export interface HttpParts {
  app: TemplatedApp
  hub: Hub
  /** Prometheus text. */
  metrics: () => Promise<string>
  /** What `POST /admin/revoke` does with a valid body; resolves when it would survive a restart. */
  revoke: (target: Revocation) => Promise<void>
}

const bodyMaxBytes = 4_096

export function serveHttp({ app, hub, metrics, revoke }: HttpParts): void {
  app.get('/healthz', (response) => answer(response, '200 OK', { status: 'ok' }))
  app.get('/readyz', (response) => {
    if (hub.draining) answer(response, '503 Service Unavailable', { status: 'draining' })
    else answer(response, '200 OK', { status: 'ready' })
  })
  app.get('/.well-known/chatspec', (response) =>
    answer(response, '200 OK', {
      protocol: 'chatspec/1',
      endpoint: '/ws',
      subprotocols: Object.values(subprotocols),
      caps: capabilities(hub.options, hub.log),
      limits: hub.options.limits,
    }),
  )
  app.get('/api/history', (response, request) => serveHistory(hub, response, request))
  app.get('/metrics', (response, request) => serveMetrics(hub, response, request, metrics))
  app.post('/admin/revoke', (response, request) => serveRevoke(hub, response, request, revoke))
  if (hub.options.pageDir !== undefined) servePage(app, hub.options.pageDir)
  app.any('/*', (response) => answer(response, '404 Not Found', { error: 'no such path' }))
}

function answer(response: HttpResponse, status: string, body: unknown): void {
  response.cork(() => {
    response
      .writeStatus(status)
      .writeHeader('Content-Type', 'application/json')
      .writeHeader('Cache-Control', 'no-store')
    response.end(JSON.stringify(body))
  })
}

function answerError(
  response: HttpResponse,
  status: string,
  name: keyof typeof errors | 'UNAUTHORIZED',
  message: string,
): void {
  const code = name === 'UNAUTHORIZED' ? 401 : errors[name].code
  answer(response, status, { error: { code, name, message } })
}

/** The token of `Authorization: Bearer …`, or undefined. */
function bearer(request: HttpRequest): string | undefined {
  const header = request.getHeader('authorization')
  return /^bearer /i.test(header) ? header.slice(7).trim() : undefined
}

// ---- history ----

const historyStatus: Record<HistoryError, string> = {
  BAD_REQUEST: '400 Bad Request',
  CURSOR_INVALID: '400 Bad Request',
  NOT_MEMBER: '403 Forbidden',
}

function serveHistory(hub: Hub, response: HttpResponse, request: HttpRequest): void {
  const token = bearer(request)
  const query = request.getQuery() ?? ''
  if (hub.draining) return unavailable(response, 'this node is going away')
  if (token === undefined)
    return answerError(
      response,
      '401 Unauthorized',
      'UNAUTHORIZED',
      'Authorization: Bearer <token> is missing',
    )
  const verified = hub.auth.verify(token)
  if (!(verified instanceof Promise)) return answerHistory(hub, response, query, verified)
  let aborted = false
  response.onAborted(() => {
    aborted = true
  })
  verified.then(
    (late) => {
      if (!aborted) answerHistory(hub, response, query, late)
    },
    (cause: unknown) => {
      hub.logger.error({ err: cause }, 'keys could not be fetched')
      if (!aborted) unavailable(response, 'tokens cannot be verified now')
    },
  )
}

function unavailable(response: HttpResponse, message: string): void {
  answerError(response, '503 Service Unavailable', 'UNAVAILABLE', message)
}

function answerHistory(hub: Hub, response: HttpResponse, query: string, verified: Verified): void {
  if (!verified.ok || hub.revocations.isRevoked(verified.claims)) {
    return answerError(response, '401 Unauthorized', 'UNAUTHORIZED', 'the token was refused')
  }
  const userId = verified.claims.userId
  const waitMs = hub.limiter.takeFrame(userId, hub.now())
  if (waitMs > 0)
    return answerError(response, '429 Too Many Requests', 'TOO_MANY_REQUESTS', `retry after ${waitMs} ms`)
  const parsed = parseHistoryQuery(query, hub)
  if (typeof parsed === 'string') return answerError(response, '400 Bad Request', 'BAD_REQUEST', parsed)
  const result = readSafely(hub, userId, parsed)
  if (result === undefined) return unavailable(response, 'the log cannot be read')
  if (!result.ok) return answerError(response, historyStatus[result.error], result.error, result.why)
  const frame = jsonCodec.encode({ type: 'page', id: 1, ...result.page }, 0)
  const { type: _type, id: _id, ...page } = JSON.parse(frame)
  answer(response, '200 OK', page)
}

function readSafely(hub: Hub, userId: string, query: HistoryQuery): HistoryResult | undefined {
  try {
    return readHistory(hub, userId, query)
  } catch (cause) {
    logFailure(hub, { err: cause, conv: query.conv }, 'history could not be read')
    return undefined
  }
}

/** The frame's own decoder checks the fields, so that both doors refuse the same things. */
function parseHistoryQuery(text: string, hub: Hub): HistoryQuery | string {
  const limit = Math.min(100, hub.options.limits.historyMaxLimit)
  const frame: Record<string, unknown> = { type: 'history', id: 1, order: 'asc', limit }
  for (const [name, value] of new URLSearchParams(text)) {
    const isNumber = ['fromTime', 'toTime', 'afterSeq', 'beforeSeq', 'limit'].includes(name)
    if (!isNumber && !['conv', 'order', 'cursor'].includes(name))
      return `${name.slice(0, 64)}: no such parameter`
    if (isNumber && !/^\d{1,16}$/.test(value)) return `${name}: a whole number is allowed`
    frame[name] = isNumber ? Number(value) : value
  }
  const decoded = jsonCodec.decodeClient(JSON.stringify(frame), hub.options.limits)
  if (!decoded.ok) return decoded.detail
  if (decoded.message.type !== 'history') return 'not a history query'
  const { type: _type, id: _id, ...query } = decoded.message
  return query
}

// ---- operators ----

/** Metrics name no user, but load and versions are nobody else's business: the admin token, or this machine. */
function serveMetrics(
  hub: Hub,
  response: HttpResponse,
  request: HttpRequest,
  metrics: () => Promise<string>,
): void {
  const isForwarded = request.getHeader('forwarded') !== '' || request.getHeader('x-forwarded-for') !== ''
  const isLocal = isLoopback(Buffer.from(response.getRemoteAddressAsText()).toString()) && !isForwarded
  const allowed = hub.options.adminToken === undefined ? isLocal : isAdmin(hub, request)
  if (!allowed)
    return answerError(response, '401 Unauthorized', 'UNAUTHORIZED', 'metrics need the admin token')
  let aborted = false
  response.onAborted(() => {
    aborted = true
  })
  metrics().then(
    (text) => {
      if (aborted) return
      response.cork(() => {
        response.writeHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').end(text)
      })
    },
    (cause: unknown) => {
      hub.logger.error({ err: cause }, 'metrics failed')
      if (!aborted) answerError(response, '500 Internal Server Error', 'INTERNAL', 'metrics failed')
    },
  )
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || /^(0*:)*0*1$/.test(address) || /^(0*:)*ffff:(127\.|7f)/.test(address)
}

/** Compared by digest: takes the same time whatever arrived. */
function isAdmin(hub: Hub, request: HttpRequest): boolean {
  const { adminToken } = hub.options
  if (adminToken === undefined) return false
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(bearer(request) ?? ''), digest(adminToken))
}

function serveRevoke(
  hub: Hub,
  response: HttpResponse,
  request: HttpRequest,
  revoke: HttpParts['revoke'],
): void {
  let aborted = false
  response.onAborted(() => {
    aborted = true
  })
  if (hub.options.adminToken === undefined)
    return answer(response, '404 Not Found', { error: 'no such path' })
  if (!isAdmin(hub, request))
    return answerError(response, '401 Unauthorized', 'UNAUTHORIZED', 'the admin token is needed')
  const chunks: Buffer[] = []
  let bytes = 0
  let isRefused = false
  response.onData((chunk, isLast) => {
    if (isRefused) return
    bytes += chunk.byteLength
    if (bytes > bodyMaxBytes) {
      isRefused = true
      return answerError(response, '413 Payload Too Large', 'BAD_REQUEST', `at most ${bodyMaxBytes} bytes`)
    }
    chunks.push(Buffer.from(chunk.slice(0)))
    if (!isLast) return
    const target = parseRevocation(Buffer.concat(chunks).toString('utf8'))
    if (target === undefined) {
      return answerError(
        response,
        '400 Bad Request',
        'BAD_REQUEST',
        'allowed: {"sub":"<user>"} or {"jti":"<token id>"}',
      )
    }
    revoke(target).then(
      () => {
        if (!aborted) answer(response, '200 OK', { revoked: target })
      },
      (cause: unknown) => {
        hub.logger.error({ err: cause }, 'a revocation was not stored')
        if (!aborted) unavailable(response, 'the revocation was not stored: try again')
      },
    )
  })
}

function parseRevocation(text: string): Revocation | undefined {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null) return undefined
    if ('sub' in body && typeof body.sub === 'string' && !('jti' in body)) return { sub: body.sub }
    if ('jti' in body && typeof body.jti === 'string' && !('sub' in body)) return { jti: body.jti }
    return undefined
  } catch {
    return undefined
  }
}

// ---- the page ----

const pageFiles = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
] as const

const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Read once: what is served cannot be steered by a path. */
function servePage(app: TemplatedApp, directory: string): void {
  for (const [path, name, type] of pageFiles) {
    const file = join(directory, name)
    if (!existsSync(file)) continue
    const content = readFileSync(file)
    app.get(path, (response) => {
      response.cork(() => {
        response.writeHeader('Content-Type', type).writeHeader('Content-Security-Policy', pagePolicy)
        response
          .writeHeader('X-Content-Type-Options', 'nosniff')
          .writeHeader('Referrer-Policy', 'no-referrer')
        response.end(content)
      })
    })
  }
}
