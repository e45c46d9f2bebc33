// The bar that says how the connection is, counts down to the next attempt, and offers to break and mend it.
import type { LinkState, Reason, Status } from '../index.ts'
import { find } from './elements.ts'
import { reasonInWords } from './words.ts'

/** `taken`: another tab has the chat. */
export type BarState = LinkState | 'taken'

const texts: Readonly<Record<BarState, string>> = {
  idle: 'Offline. What you write waits here.',
  connecting: 'Connecting…',
  'hello-sent': 'Connecting…',
  replaying: 'Catching up…',
  live: 'Connected',
  draining: 'Connected. The server is about to stop.',
  backoff: 'Reconnecting',
  stopped: 'Not connected.',
  taken: 'This chat is open in another tab.',
}

/** What can be cut. */
const connected: readonly BarState[] = ['connecting', 'hello-sent', 'replaying', 'live', 'draining']

const countdownStepMs = 200

export class ConnectionBar {
  readonly #bar = find('connection', HTMLElement)
  readonly #text = find('connection-text', HTMLSpanElement)
  readonly #countdown = find('countdown', HTMLSpanElement)
  readonly #cut = find('cut', HTMLButtonElement)
  readonly #line = find('line', HTMLButtonElement)
  #state: BarState = 'idle'
  #retryAtMs = 0

  constructor(
    { cut, offline, reconnect }: { cut: () => void; offline: () => void; reconnect: () => void },
    { signal }: { signal: AbortSignal },
  ) {
    this.#cut.addEventListener('click', () => this.#isConnected && cut(), { signal })
    this.#line.addEventListener('click', () => (this.#isConnected ? offline() : reconnect()), { signal })
    const counting = setInterval(() => this.#count(), countdownStepMs)
    signal.addEventListener('abort', () => clearInterval(counting))
  }

  show(state: BarState, { reason, retryInMs }: Pick<Status, 'reason' | 'retryInMs'> = {}): void {
    this.#state = state
    this.#bar.dataset.state = state
    this.#setText(texts[state], reason)
    this.#retryAtMs = retryInMs === undefined ? 0 : performance.now() + retryInMs
    // Not `disabled`, which would take the keyboard's focus away from whoever just used it.
    this.#cut.setAttribute('aria-disabled', String(!this.#isConnected))
    const label = this.#isConnected ? 'Go offline' : state === 'taken' ? 'Use it here' : 'Reconnect'
    if (this.#line.textContent !== label) this.#line.textContent = label
    this.#count()
  }

  get #isConnected(): boolean {
    return connected.includes(this.#state)
  }

  /** Announced by screen readers, so it changes only with the state. */
  #setText(text: string, reason: Reason | undefined): void {
    const isTold = reason && (this.#state === 'backoff' || this.#state === 'stopped')
    const full = isTold ? `${reasonInWords(reason)} ${text}` : text
    if (this.#text.textContent !== full) this.#text.textContent = full
  }

  #count(): void {
    const seconds = Math.ceil((this.#retryAtMs - performance.now()) / 1_000)
    const isCounting = this.#state === 'backoff' && seconds > 0
    this.#countdown.textContent = isCounting ? `in ${seconds} s` : ''
  }
}
