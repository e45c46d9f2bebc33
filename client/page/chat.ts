// One signed-in person's chat: what the client says goes onto the page, and what the person does to the client.
import {
  ChatspecError,
  directConversation,
  errors,
  type Msg,
  type Page,
  peerOf,
} from '../../protocol/index.ts'
import {
  type Client,
  createClient,
  type HistoryQuery,
  type PendingSend,
  type Reason,
  type Status,
} from '../index.ts'
import { randomUuid } from '../uuid.ts'
import { Composer } from './composer.ts'
import { ConnectionBar } from './connection-bar.ts'
import { openDevice } from './device.ts'
import { find } from './elements.ts'
import type { Gap } from './gap.ts'
import { Line } from './line.ts'
import { Others } from './others.ts'
import { Partner } from './partner.ts'
import { ReadMarks } from './read-marks.ts'
import { Receipts } from './receipts.ts'
import type { Visit } from './sign-in.ts'
import { Timeline } from './timeline.ts'
import { count, isAboutToken, reasonInWords } from './words.ts'

const historyLimit = 30

export class Chat {
  readonly #visit: Visit
  readonly #ended: (problem: string) => void
  readonly #over = new AbortController()
  readonly #main = find('chat', HTMLElement)
  readonly #log = find('log', HTMLDivElement)
  readonly #older = find('older', HTMLButtonElement)
  readonly #problem = find('problem', HTMLParagraphElement)
  readonly #line = new Line()
  readonly #partner = new Partner()
  readonly #others = new Others((to) => this.#open(to))
  readonly #device
  readonly #client: Client
  readonly #receipts: Receipts
  readonly #bar: ConnectionBar
  readonly #composer: Composer
  readonly #marks: ReadMarks
  readonly #timeline: Timeline
  #conv = ''
  #isTaken = false
  #wasLive = false

  /** `ended`: the sign-in is needed again, perhaps because of a problem. */
  constructor(visit: Visit, ended: (problem: string) => void) {
    const { signal } = this.#over
    this.#visit = visit
    this.#ended = ended
    this.#device = openDevice(visit.userId, () => this.#taken())
    this.#receipts = new Receipts(this.#device.prefix, localStorage)
    this.#client = createClient({
      url: new URL('/ws', location.origin.replace(/^http/, 'ws')).href,
      token: visit.token,
      deviceId: this.#device.deviceId,
      storage: this.#device.storage,
      webSocket: this.#line.webSocket,
    })
    this.#marks = new ReadMarks((seq) => this.#client.read(this.#conv, seq), { signal })
    this.#timeline = this.#createTimeline(signal)
    this.#composer = new Composer((text) => this.#send({ content: text }), { signal })
    const actions = {
      cut: () => this.#line.cut(),
      offline: () => void this.#client.disconnect(),
      reconnect: () => this.#reconnect(),
    }
    this.#bar = new ConnectionBar(actions, { signal })
    this.#listenToPage(signal)
    this.#listenToClient()
  }

  start(): void {
    const me = find('me', HTMLElement)
    me.textContent = this.#visit.userId
    me.title = this.#visit.userId
    this.#main.hidden = false
    this.#open(this.#visit.to)
    this.#client.connect()
    this.#composer.focus()
  }

  #listenToPage(signal: AbortSignal): void {
    this.#older.addEventListener('click', () => void this.#loadOlder(), { signal })
    find('sign-out', HTMLButtonElement).addEventListener('click', () => this.#end(''), { signal })
    const mayBeBetter = () => this.#client.retry()
    addEventListener('online', mayBeBetter, { signal })
    document.addEventListener('visibilitychange', () => !document.hidden && mayBeBetter(), { signal })
  }

  #listenToClient(): void {
    const client = this.#client
    client.on('state', (status) => this.#state(status))
    client.on('stopped', (reason) => this.#stopped(reason))
    client.on('trouble', (reason) => {
      if (!this.#isTaken) this.#say(reasonInWords(reason))
    })
    client.on('message', (message) => this.#message(message))
    client.on('discontinuity', (gap) => {
      if (gap.conv === this.#conv) this.#timeline.discontinuity(gap)
    })
    client.on('sent', (sent) => this.#timeline.sent(sent))
    client.on('refused', ({ msgId, error }) => this.#timeline.refused(msgId, error))
    client.on('presence', (presence) => this.#partner.presence(presence))
    client.on('receipt', (receipt) => {
      if (this.#receipts.add(receipt) && receipt.conv === this.#conv) this.#timeline.marksMoved()
    })
    client.on('membership', ({ conv, change }) => {
      if (conv === this.#conv && change === 'removed')
        this.#timeline.notice('You were removed from this group.', 'membership')
    })
  }

  #createTimeline(signal: AbortSignal): Timeline {
    return new Timeline({
      list: find('timeline', HTMLOListElement),
      view: this.#log,
      me: this.#visit.userId,
      markOf: (message) => this.#receipts.markOf(this.#visit.userId, message),
      shown: (foot, at) => this.#marks.watch(foot, at),
      sendAgain: ({ msgId: _, ...again }) => this.#send(again),
      fill: (gap) => void this.#fill(gap),
      signal,
    })
  }

  #open(to: string): void {
    this.#conv = to.startsWith('g:') ? to : directConversation(this.#visit.userId, to)
    this.#say('')
    this.#marks.clear()
    this.#timeline.begin(this.#conv)
    this.#partner.open(to)
    this.#others.opened(to)
    this.#showPending()
    this.#older.hidden = true
    this.#log.ariaBusy = 'true'
    void this.#enter(this.#conv)
  }

  /** Both wait until there is a connection. */
  async #enter(conv: string): Promise<void> {
    if (conv.startsWith('g:')) {
      const result = await this.#client.join(conv)
      const { code, name, message } = result.ok ? { code: undefined, name: '', message: '' } : result.error
      const isIn = result.ok || code === errors.ALREADY_JOINED.code
      if (!isIn && code === errors.NOT_MEMBER.code) this.#say('Only its owner can let you into this group.')
      else if (!isIn && code !== undefined) this.#say(reasonInWords({ name, message }))
    }
    if (conv === this.#conv) await this.#loadOlder()
  }

  async #loadOlder(): Promise<void> {
    const beforeSeq = this.#timeline.oldestSeq()
    await this.#page(beforeSeq === undefined ? {} : { beforeSeq }, (page) => {
      if (page.items.length > 0) this.#partner.met()
      this.#timeline.keepingView(() => {
        for (const message of page.items) this.#timeline.message(message)
      })
      this.#older.hidden = page.complete
    })
  }

  async #fill(gap: Gap): Promise<void> {
    const missing = { afterSeq: gap.from, beforeSeq: gap.to + 1 }
    await this.#page(missing, (page) => this.#timeline.filled(gap, page))
  }

  /** Newest first, unless another conversation was opened meanwhile. Busy until it is shown: nobody wants it read aloud. */
  async #page(
    range: Pick<HistoryQuery, 'afterSeq' | 'beforeSeq'>,
    show: (page: Page) => void,
  ): Promise<void> {
    const conv = this.#conv
    this.#log.ariaBusy = 'true'
    try {
      const { value } = await this.#client.history({ conv, limit: historyLimit, ...range }).next()
      if (conv === this.#conv && value) show(value)
    } catch (cause) {
      this.#noHistory(cause)
    } finally {
      this.#log.ariaBusy = 'false'
    }
  }

  #noHistory(cause: unknown): void {
    const code = cause instanceof ChatspecError ? cause.code : ''
    // Nobody wrote yet, or the bar says why already.
    if ([errors.NOT_MEMBER.name, 'STOPPED', 'CLOSED'].includes(code)) return
    this.#say(`Older messages could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`)
  }

  #message(message: Msg): void {
    const { conv, from } = message
    if (conv === this.#conv) this.#timeline.message(message)
    else if (from !== this.#visit.userId) this.#others.news(peerOf(conv, this.#visit.userId) ?? conv)
  }

  /** What is wrong with it, if it was not taken. */
  #send(send: Pick<PendingSend, 'content'>): string | undefined {
    if (this.#isTaken) return 'open in another tab'
    const message = { ...this.#target(), ...send, msgId: randomUuid() }
    // Before it is sent, which may be refused at once.
    this.#timeline.pending(message)
    try {
      this.#client.send(message)
      this.#say('')
      return undefined
    } catch (cause) {
      this.#timeline.forget(message.msgId)
      const problem = cause instanceof Error ? cause.message : String(cause)
      this.#say(`This cannot be sent: ${problem}`)
      return problem
    }
  }

  /** By name, because there is no conversation before the first message. */
  #target(): { to: string } | { conv: string } {
    const to = peerOf(this.#conv, this.#visit.userId)
    return to === undefined ? { conv: this.#conv } : { to }
  }

  #showPending(): void {
    for (const send of this.#client.pending) {
      const conv = send.conv ?? directConversation(this.#visit.userId, send.to ?? '')
      if (conv === this.#conv) this.#timeline.pending(send)
    }
  }

  #state(status: Status): void {
    const { state, caps = [], caughtUp = 0 } = status
    this.#showPending()
    if (this.#isTaken) this.#bar.show('taken')
    else this.#bar.show(state, status)
    if (state === 'live') {
      this.#partner.live(caps)
      this.#caughtUp(caughtUp)
    } else if (state !== 'draining') this.#partner.lost()
  }

  #caughtUp(messages: number): void {
    const caught = `${count(messages, 'message')} caught up`
    if (this.#wasLive) {
      this.#timeline.notice(`Reconnected: ${messages > 0 ? caught : 'nothing was missed'}`, 'reconnected')
    } else if (messages > 0) this.#timeline.notice(caught, 'caught-up')
    this.#wasLive = true
  }

  #stopped(reason: Reason): void {
    if (isAboutToken(reason)) this.#end(reasonInWords(reason))
  }

  #reconnect(): void {
    // The other tab has stored more than this one knows.
    if (this.#isTaken) location.reload()
    else this.#client.connect()
  }

  #taken(): void {
    this.#isTaken = true
    this.#bar.show('taken')
    void this.#client.close()
  }

  #end(problem: string): void {
    this.#over.abort()
    this.#device.release()
    this.#main.hidden = true
    void this.#client.close()
    this.#ended(problem)
  }

  #say(problem: string): void {
    this.#problem.textContent = problem
  }
}
