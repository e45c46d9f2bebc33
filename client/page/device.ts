// This browser as a device of one user: its id and its client's state in localStorage, used by one tab at a time.
import { browserStorage, type Storage } from '../index.ts'
import { randomUuid } from '../uuid.ts'

export interface Device {
  deviceId: string
  storage: Storage
  /** Where the keys of this user begin. */
  prefix: string
  /** Gives up the device; `taken` is not called any more. */
  release(): void
}

/** The newest tab has the device. `taken`: it went to another tab; nothing of this one is stored from then on. */
export function openDevice(userId: string, taken: () => void): Device {
  const prefix = `chatspec/${userId}/`
  const ownerKey = `${prefix}owner`
  const tab = randomUuid()
  const stored = browserStorage(`${prefix}state`, localStorage)
  const listening = new AbortController()
  localStorage.setItem(ownerKey, tab)
  addEventListener(
    'storage',
    ({ key, newValue }) => {
      if (key === ownerKey && newValue !== tab) taken()
    },
    { signal: listening.signal },
  )
  return {
    deviceId: idOf(`${prefix}device`),
    prefix,
    storage: {
      load: () => stored.load(),
      save(state) {
        if (localStorage.getItem(ownerKey) !== tab) throw new Error('this chat is open in another tab')
        return stored.save(state)
      },
    },
    release: () => listening.abort(),
  }
}

function idOf(key: string): string {
  const known = localStorage.getItem(key)
  if (known !== null) return known
  const made = `page-${randomUuid()}`
  localStorage.setItem(key, made)
  return made
}
