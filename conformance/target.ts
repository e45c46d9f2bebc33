// The server to judge, as its owner describes it: where it is, how to get tokens, what else can be done to it.
import { readFileSync } from 'node:fs'
import { ChatspecError } from '../protocol/index.ts'
import { type HookCommands, type Hooks, resolveHooks } from './hooks.ts'
import {
  commandTokens,
  fileTokens,
  loginTokens,
  type SecretTokens,
  secretTokens,
  type TokenSource,
} from './tokens.ts'

/** What a target file and the flags of the command can say. */
export interface TargetDescriptor {
  /** `ws:`, `wss:`, `http:`, `https:` or a bare host and port; without a path it is `/ws`. */
  url: string
  /** Exactly one way to get tokens. */
  tokens: SecretTokens | { command: string } | { file: string } | { login: string }
  /** Only these users exist; any name will do without it. */
  users?: readonly string[]
  /** Accept any TLS certificate. */
  insecure?: boolean
  /** Sent as `Origin` with every upgrade. */
  origin?: string
  /** Instead of the capabilities that `welcome` declares. */
  capabilities?: readonly string[]
  /** Of one wait of the judge; default 12,000 ms: SPEC.md allows 10 s for an answer, the rest is for the way. */
  timeoutMs?: number
  hooks?: HookCommands
}

/** A descriptor that was checked, with its files read. */
export interface Target {
  url: URL
  tokens: TokenSource
  hooks: Hooks
  insecure: boolean
  timeoutMs: number
  origin?: string
  capabilities?: readonly string[]
}

export const defaultTimeoutMs = 12_000
const timeoutRangeMs = { least: 100, most: 60_000 }

const ways = ['secret', 'command', 'file', 'login'] as const

/** Reads a descriptor from a JSON file. @throws ChatspecError BAD_TARGET */
export function readTargetFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new ChatspecError('BAD_TARGET', `target file ${path}: ${detail}`, { cause })
  }
}

/** Checks a descriptor, from whatever source. @throws ChatspecError BAD_TARGET naming the field, what came and what is allowed */
export function resolveTarget(descriptor: unknown): Target {
  const fields = object('target', descriptor)
  onlyFields('target', fields, [
    'url',
    'tokens',
    'users',
    'insecure',
    'origin',
    'capabilities',
    'timeoutMs',
    'hooks',
  ])
  const insecure = optional(fields, 'insecure', boolean) ?? false
  const timeoutMs = optional(fields, 'timeoutMs', milliseconds) ?? defaultTimeoutMs
  const origin = optional(fields, 'origin', text)
  const capabilities = optional(fields, 'capabilities', texts)
  const users = optional(fields, 'users', texts)
  const url = parseUrl(fields.url)
  const tokens = tokenSource(fields.tokens, { insecure, timeoutMs })
  return {
    url,
    tokens: users ? { ...tokens, users } : tokens,
    hooks: resolveHooks(optional(fields, 'hooks', (_name, value) => hookCommands(value)) ?? {}),
    insecure,
    timeoutMs,
    ...(origin !== undefined && { origin }),
    ...(capabilities && { capabilities }),
  }
}

/** How a target may be named in a report: without what may be a secret. */
export function publicUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search && '?…'}`
}

/** The same server by HTTP, at `path`. */
export function httpUrl(url: URL, path: string): URL {
  return new URL(path, `${url.protocol === 'wss:' ? 'https:' : 'http:'}//${url.host}`)
}

function parseUrl(given: unknown): URL {
  const allowed = 'ws://host:port/path, wss://, http://, https:// or host:port'
  if (typeof given !== 'string' || given === '') throw bad('url', given, allowed)
  let url: URL
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `ws://${given}`)
  } catch {
    throw bad('url', given, allowed)
  }
  const schemes: Record<string, string> = { 'http:': 'ws:', 'https:': 'wss:', 'ws:': 'ws:', 'wss:': 'wss:' }
  const scheme = schemes[url.protocol]
  if (!scheme || url.username || url.password || url.hash) throw bad('url', given, allowed)
  const path = url.pathname === '/' ? '/ws' : url.pathname
  return new URL(`${scheme}//${url.host}${path}${url.search}`)
}

function tokenSource(given: unknown, http: { insecure: boolean; timeoutMs: number }): TokenSource {
  const fields = object('tokens', given)
  const way = ways.filter((name) => fields[name] !== undefined)
  if (way.length !== 1) throw bad('tokens', Object.keys(fields), `exactly one of ${ways.join(', ')}`)
  const value = text(`tokens.${way[0]}`, fields[way[0] as string])
  onlyFields('tokens', fields, way[0] === 'secret' ? ['secret', 'audience', 'issuer', 'lifetimeS'] : [...way])
  switch (way[0]) {
    case 'command':
      return commandTokens(value, http.timeoutMs)
    case 'file':
      return fileTokens(value)
    case 'login':
      return loginTokens(loginUrl(value), http)
    default: {
      const audience = optional(fields, 'audience', text)
      const issuer = optional(fields, 'issuer', text)
      const lifetimeS = optional(fields, 'lifetimeS', positive)
      const more = {
        ...(audience && { audience }),
        ...(issuer && { issuer }),
        ...(lifetimeS && { lifetimeS }),
      }
      return secretTokens({ secret: value, ...more })
    }
  }
}

function loginUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) throw bad('tokens.login', given, 'an http:// or https:// URL')
  return url
}

function hookCommands(given: unknown): HookCommands {
  const fields = object('hooks', given)
  const names = ['start', 'kill', 'term', 'restart', 'pause', 'resume', 'revoke', 'metrics', 'log'] as const
  onlyFields('hooks', fields, names)
  for (const name of names) {
    const value = fields[name]
    if (name === 'metrics' && typeof value === 'object' && value !== null) metricsWithToken(value)
    else if (value !== undefined && typeof value !== 'function') text(`hooks.${name}`, value)
  }
  return fields
}

function metricsWithToken(given: object): void {
  const fields = object('hooks.metrics', given)
  onlyFields('hooks.metrics', fields, ['url', 'token'])
  for (const name of ['url', 'token']) text(`hooks.metrics.${name}`, fields[name])
}

type Read<T> = (name: string, value: unknown) => T

function optional<T>(fields: Record<string, unknown>, name: string, read: Read<T>): T | undefined {
  return fields[name] === undefined ? undefined : read(name, fields[name])
}

function object(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(name, value, 'an object')
  return value as Record<string, unknown>
}

function onlyFields(name: string, fields: Record<string, unknown>, allowed: readonly string[]): void {
  const stranger = Object.keys(fields).find((field) => !allowed.includes(field))
  if (stranger !== undefined) throw bad(`${name} field`, stranger, allowed.join(', '))
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw bad(name, value, 'a text that is not empty')
  return value
}

function texts(name: string, value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0) throw bad(name, value, 'a list of texts')
  return value.map((item) => text(name, item))
}

function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw bad(name, value, 'true or false')
  return value
}

function positive(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw bad(name, value, 'an integer from 1')
  return value
}

function milliseconds(name: string, value: unknown): number {
  const { least, most } = timeoutRangeMs
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw bad(name, value, `an integer from ${least} to ${most}`)
  return value
}

function bad(name: string, arrived: unknown, allowed: string): ChatspecError {
  // What arrived for one of these may be a secret.
  const shown =
    name.startsWith('tokens.') || name.endsWith('.token')
      ? typeof arrived
      : (JSON.stringify(arrived)?.replace(/\/\/[^/@]*@/, '//***@') ?? 'nothing')
  return new ChatspecError('BAD_TARGET', `${name}: ${shown} arrived, ${allowed} is allowed`)
}
