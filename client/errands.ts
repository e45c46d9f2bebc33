// What the application and the session itself ask of the server besides `send`.
import {
  type Cursor,
  errors,
  type Live,
  type Network,
  type Ok,
  type Page,
  type Seq,
} from '../protocol/index.ts'
import type { Effect, Refused, RequestFrame, RequestResult } from './effects.ts'
import type { Link } from './link.ts'
import type { Mail } from './mail.ts'
import type { Reason } from './reconnect.ts'
import { Requests } from './requests.ts'

export interface ErrandPeers {
  link: Link
  mail: Mail
  now: () => number
  out: (effect: Effect) => void
  /** Closes the connection, to begin anew on another. */
  giveUp: (reason: Reason) => void
}

export class Errands {
  readonly requests = new Requests()
  readonly #peers: ErrandPeers
  readonly #maxRequests: number

  constructor(peers: ErrandPeers, { maxRequests }: { maxRequests: number }) {
    this.#peers = peers
    this.#maxRequests = maxRequests
  }

  /** Of the application; the answer goes to the caller that has the `key`. */
  request(key: number, frame: RequestFrame): void {
    const { link, out } = this.#peers
    const refusal = link.isOver
      ? stopped
      : this.requests.size >= this.#maxRequests
        ? tooMany('requests')
        : undefined
    if (refusal) {
      out({ type: 'reply', key, result: { ok: false, error: refusal } })
      return
    }
    const settle = (result: RequestResult) => {
      if (result.ok) this.#membershipChanged(frame, result.reply)
      out({ type: 'reply', key, result })
    }
    this.requests.add({ frame, settle })
  }

  /** No connection will come. */
  abandon(): void {
    this.requests.abandon(stopped)
  }

  read(conv: string, seq: Seq): void {
    const epoch = this.#peers.mail.inbox.read(conv, seq)
    if (epoch === undefined) return
    this.requests.add({ frame: { type: 'read', conv, epoch, seq }, slot: `read ${conv}`, settle: () => {} })
  }

  network(network: Network): void {
    const { link } = this.#peers
    link.network(network)
    // Without a connection the next `hello` says it.
    if (!link.isWelcome) return
    const settle = (result: RequestResult) => {
      if (result.ok && result.reply.type === 'ok' && result.reply.heartbeat)
        link.renegotiate(result.reply.heartbeat)
    }
    this.requests.add({ frame: { type: 'network', network }, slot: 'network', isOfConnection: true, settle })
  }

  refresh(token: string): void {
    const { link, now } = this.#peers
    const settle = (result: RequestResult) => {
      const expiresAt = result.ok && result.reply.type === 'ok' ? result.reply.expiresAt : undefined
      if (expiresAt !== undefined) link.renewed(expiresAt, now())
    }
    this.requests.add({ frame: { type: 'refresh', token }, slot: 'refresh', isOfConnection: true, settle })
  }

  /** Conversations in which the server has to go on from where we are. */
  sync(): void {
    for (const cursor of this.#peers.mail.inbox.syncs()) this.#sync(cursor)
  }

  #sync(cursor: Cursor): void {
    const { link, mail, giveUp } = this.#peers
    const { window, historyMaxLimit } = link.limits ?? { window: 2, historyMaxLimit: 1 }
    const limit = Math.max(1, Math.min(historyMaxLimit, Math.floor(window / 2)))
    const settle = (result: RequestResult) => {
      if (result.ok) return
      const { code = 4000, name, message } = result.error
      if (code === errors.NOT_MEMBER.code) mail.inbox.forget(cursor.conv)
      // Without its `sync` the conversation would stand still; a resume is the other way to fill the hole.
      else giveUp({ code: 4000, name, message })
    }
    this.requests.add({
      frame: { type: 'sync', cursors: [cursor], limit },
      isOfConnection: true,
      isPatient: true,
      settle,
    })
  }

  /** Our own way in or out of a group says where its messages begin or end. */
  #membershipChanged(frame: RequestFrame, reply: Ok | Page | Live): void {
    const { mail, now } = this.#peers
    if (reply.type !== 'ok' || reply.top === undefined || reply.epoch === undefined) return
    if ((frame.type !== 'join' && frame.type !== 'leave') || frame.user !== undefined) return
    const change = frame.type === 'join' ? 'joined' : 'left'
    mail.moved({ conv: frame.conv, epoch: reply.epoch, change, seq: reply.top }, now())
  }
}

const stopped: Refused = { name: 'STOPPED', message: 'the client does not try to connect', definite: false }

export function tooMany(what: string): Refused {
  return { name: 'TOO_MANY_PENDING', message: `too many ${what} wait for an answer`, definite: true }
}
