// What went wrong, in words for the person in front of the page.
import { closes, errors } from '../../protocol/index.ts'
import type { Discontinuity, Reason, Refused } from '../index.ts'

const reasons: Readonly<Record<string, string>> = {
  CONNECTION_LOST: 'The connection broke.',
  UNRESPONSIVE: 'The server does not answer.',
  SERVER_SILENT: 'Nothing was heard from the server for too long.',
  STORAGE: 'This browser could not store the chat; messages may come twice after a reload.',
  LISTENER_FAILED: 'This page failed to show a message. Reload it.',
  [closes.UNAUTHORIZED.name]: 'The server refused the token. Get a new one.',
  [closes.TOKEN_EXPIRED.name]: 'The token ran out. Get a new one.',
  [closes.REVOKED.name]: 'The token was revoked. Get a new one.',
  [closes.FORBIDDEN.name]: 'This user may not connect.',
  [closes.SESSION_REPLACED.name]: 'This chat is open in another tab.',
  [closes.RATE_LIMITED.name]: 'Too many connections of this user, or too much at once.',
  [closes.SLOW_CONSUMER.name]: 'This page did not keep up with the server.',
  [closes.SERVICE_RESTART.name]: 'The server restarts.',
  [closes.DRAINING.name]: 'The server is about to stop.',
}

export function reasonInWords({ name, message }: Reason): string {
  return reasons[name] ?? sentence(message)
}

/** These need another token, so they lead back to the sign-in. */
export function isAboutToken({ code }: Reason): boolean {
  return (
    code === closes.UNAUTHORIZED.code || code === closes.TOKEN_EXPIRED.code || code === closes.REVOKED.code
  )
}

/** Why a message to `to` was not taken. */
export function refusalInWords({ code, name, message, definite }: Refused, to: string): string {
  const why =
    refusal(code, to) ?? (name === 'TOO_MANY_PENDING' ? 'Too many messages wait already.' : sentence(message))
  return definite ? why : `${why} An earlier attempt may have arrived.`
}

function refusal(code: number | undefined, to: string): string | undefined {
  switch (code) {
    case errors.NOT_FOUND.code:
      return `${to} has never signed in here.`
    case errors.NOT_MEMBER.code:
      return 'You are not in this group.'
    case errors.CONTENT_TOO_LARGE.code:
      return 'It is too long for this server.'
    case errors.LIMIT_REACHED.code:
      return 'A limit of this server is reached.'
    default:
      return undefined
  }
}

export function gapInWords({ from, to, reason }: Discontinuity): string {
  switch (reason) {
    case 'epoch':
      return 'The server began a new log. What is above is not in it.'
    case 'future':
      return 'The server forgot some of what is above.'
    case 'overflow':
    case 'retention':
      return `${count(to - from, 'older message')} left out while you were away.`
    default:
      return `${count(to - from, 'message')} may be missing here.`
  }
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function sentence(text: string): string {
  const trimmed = text.trim().replace(/\.$/, '')
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}.`
}
