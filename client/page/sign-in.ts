// The form that asks who somebody is and whom they want to talk to, prefilled by the address or by the last visit.
import { groupPattern, namePattern } from '../../protocol/index.ts'
import { find } from './elements.ts'

export interface Visit {
  token: string
  userId: string
  /** A user, or a group as `g:<name>`. */
  to: string
}

/** Survives a reload of the tab, and not the tab. */
const visitKey = 'chatspec/visit'

export class SignIn {
  readonly #page = find('sign-in', HTMLElement)
  readonly #problem = find('sign-in-problem', HTMLParagraphElement)
  readonly #user = find('user', HTMLInputElement)
  readonly #token = find('token', HTMLInputElement)
  readonly #to = find('to', HTMLInputElement)
  readonly #command = find('token-command', HTMLElement)

  constructor(enter: (visit: Visit) => void) {
    this.#user.addEventListener('input', () => this.#suggest())
    this.#token.addEventListener('input', () => this.#suggest())
    find('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      const visit = this.#read()
      if (!visit) return
      sessionStorage.setItem(visitKey, JSON.stringify({ token: visit.token, to: visit.to }))
      enter(visit)
    })
  }

  /** With what the address says after `#`; it is taken out of the address, which gets copied and stored. */
  show(problem = ''): void {
    const fragment = takeFragment()
    this.#fill(this.#token, fragment.get('token'))
    this.#fill(this.#to, fragment.get('to'))
    this.#page.hidden = false
    this.#suggest()
    this.#say(problem)
    const empty = [this.#token, this.#to].find((input) => input.value === '')
    const first = this.#user.value === '' ? this.#user : empty
    ;(first ?? this.#page.querySelector('button'))?.focus()
  }

  hide(): void {
    this.#page.hidden = true
    this.#say('')
  }

  /** The visit before a reload, unless the address asks for another one. */
  resume(): Visit | undefined {
    const text = sessionStorage.getItem(visitKey)
    if (text === null || /[#&](token|to)=/.test(location.hash)) return undefined
    const { token, to } = parse(text)
    this.#fill(this.#token, token)
    this.#fill(this.#to, to)
    return this.#read()
  }

  /** The next reload asks again. */
  forget(): void {
    sessionStorage.removeItem(visitKey)
    this.#token.value = ''
  }

  #fill(input: HTMLInputElement, value: string | null | undefined): void {
    if (value) input.value = value
  }

  /** A token says whose it is. */
  #suggest(): void {
    const sub = subjectOf(this.#token.value.trim())
    if (sub !== undefined) this.#user.value = sub
    this.#user.readOnly = sub !== undefined
    const name = this.#user.value.trim()
    this.#command.textContent = `chatspec token --sub ${namePattern.test(name) ? name : 'alice'}`
  }

  #read(): Visit | undefined {
    const token = this.#token.value.trim()
    const to = this.#to.value.trim()
    const userId = subjectOf(token)
    const isTo = namePattern.test(to) || groupPattern.test(to)
    this.#token.setAttribute('aria-invalid', String(userId === undefined))
    this.#to.setAttribute('aria-invalid', String(!isTo))
    if (userId === undefined) {
      this.#say(
        token === '' ? 'A token is needed: it says who you are.' : 'This is no token: it names no user.',
      )
      this.#token.focus()
      return undefined
    }
    if (!isTo) {
      this.#say('Chat with whom? A name has 1 to 64 of A-Z a-z 0-9 . _ ~ @ -, and a group begins with g:')
      this.#to.focus()
      return undefined
    }
    return { token, userId, to }
  }

  #say(problem: string): void {
    this.#problem.textContent = problem
  }
}

function takeFragment(): URLSearchParams {
  const fragment = new URLSearchParams(location.hash.slice(1))
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search)
  return fragment
}

/** Only to show it: the server verifies the token. */
function subjectOf(token: string): string | undefined {
  const payload = token.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/')
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(atob(payload))
    if (typeof claims !== 'object' || claims === null || !('sub' in claims)) return undefined
    return typeof claims.sub === 'string' && namePattern.test(claims.sub) ? claims.sub : undefined
  } catch {
    return undefined
  }
}

function parse(text: string): { token?: string; to?: string } {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) return {}
  return {
    ...('token' in value && typeof value.token === 'string' && { token: value.token }),
    ...('to' in value && typeof value.to === 'string' && { to: value.to }),
  }
}
