// Plain requests beside the sockets: SPEC.md#http-endpoints.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ErrorName, errors, jsonCodec, subprotocols } from '../../../protocol/index.ts'
import { type Query, readPage } from './history.ts'
import type { ChatServer } from './server.ts'
import { verify } from './tokens.ts'

const mostBodyBytes = 10_000

const statuses: Partial<Record<ErrorName, number>> = {
  BAD_REQUEST: 400,
  CURSOR_INVALID: 400,
  NOT_MEMBER: 403,
  TOO_MANY_REQUESTS: 429,
  UNAVAILABLE: 503,
}

export async function onRequest(
  server: ChatServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const { method } = request
  if (method === 'POST' && pathname === '/admin/revoke') return revoke(server, request, response)
  if (method !== 'GET') return reply(response, 404, failure(404, 'NOT_FOUND'))
  switch (pathname) {
    case '/.well-known/chatspec':
      return reply(response, 200, introduction(server))
    case '/healthz':
      return reply(response, server.has('M279') ? 500 : 200, { ok: true })
    case '/readyz':
      return reply(response, server.isDraining || server.has('M280') ? 503 : 200, { ok: !server.isDraining })
    case '/metrics':
      if (server.has('M281')) return reply(response, 200, { process_open_fds: 1 })
      response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' })
      response.end(`# TYPE process_open_fds gauge\nprocess_open_fds ${server.openSockets()}\n`)
      return
    case '/api/history':
      if (server.can('history')) return history(server, request, { response, searchParams })
  }
  return reply(response, 404, failure(404, 'NOT_FOUND'))
}

function introduction({ options, has }: ChatServer): object {
  const caps = has('M282') ? [] : [...new Set([...options.caps, ...options.lies])]
  return {
    protocol: 'chatspec/1',
    endpoint: '/ws',
    subprotocols: Object.values(subprotocols),
    caps,
    limits: options.limits,
  }
}

function history(
  server: ChatServer,
  request: IncomingMessage,
  { response, searchParams }: { response: ServerResponse; searchParams: URLSearchParams },
): void {
  const verdict = verify(server, bearer(request))
  if (!verdict.ok) return reply(response, 401, failure(401, 'UNAUTHORIZED'))
  const query = queryOf(server, searchParams)
  if (typeof query === 'string')
    return reply(response, 400, failure(errors.BAD_REQUEST.code, 'BAD_REQUEST', query))
  const user = server.has('M156') ? (query.conv.split(':').at(1) ?? '') : verdict.identity.sub
  if (server.has('M283')) query.order = 'asc'
  if (server.has('M259'))
    server.disk.conversations.get(query.conv)?.windows.get(user)?.unshift({ from: 0, to: 1_000 })
  const answer = readPage(server, user, query, 'json')
  if (!answer.ok)
    return reply(
      response,
      statuses[answer.error] ?? 400,
      failure(errors[answer.error].code, answer.error, answer.message),
    )
  const {
    type: _type,
    id: _id,
    ...page
  } = JSON.parse(jsonCodec.encode({ type: 'page', id: 1, ...answer.page }, 0))
  reply(response, 200, page)
}

/** The fields of a `history` frame, checked as such; or what is wrong. */
function queryOf({ options }: ChatServer, given: URLSearchParams): Query | string {
  const numbers = ['fromTime', 'toTime', 'afterSeq', 'beforeSeq', 'limit']
  const fields = [...given].map(([name, value]) => [
    name,
    numbers.includes(name) && /^\d+$/.test(value) ? Number(value) : value,
  ])
  const frame = JSON.stringify({ ...Object.fromEntries(fields), type: 'history', id: 1 })
  const decoded = jsonCodec.decodeClient(frame, options.limits)
  if (!decoded.ok) return decoded.detail
  return decoded.message.type === 'history' ? decoded.message : 'type'
}

async function revoke(server: ChatServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (bearer(request) !== server.options.adminToken && !server.has('M157'))
    return reply(response, 401, failure(401, 'UNAUTHORIZED'))
  let text = ''
  for await (const part of request) if (text.length < mostBodyBytes) text += part
  const { sub, jti } = JSON.parse(text || '{}')
  const key = typeof sub === 'string' ? `sub ${sub}` : `jti ${jti}`
  server.disk.revoked.set(key, Date.now() / 1000)
  server.revoked()
  reply(response, 200, {})
}

function bearer({ headers }: IncomingMessage): string {
  return /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? ''
}

function failure(code: number, name: string, message = name): object {
  return { error: { code, name, message } }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}
