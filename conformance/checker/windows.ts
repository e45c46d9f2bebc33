// Which seqs of a conversation belong to a user: its memberships, each from a join to a leave.

/**
 * The user sees `from < seq <= to`. Not `sure`: a join or leave had an unknown outcome, so that the seqs may be
 * seen and need not be.
 */
export interface Window {
  from: number
  /** Infinity as long as the membership lasts. */
  to: number
  sure: boolean
}

export type Visibility = 'sure' | 'maybe' | 'no'

export function visibility(windows: readonly Window[], seq: number): Visibility {
  let found: Visibility = 'no'
  for (const { from, to, sure } of windows) {
    if (seq <= from || seq > to) continue
    if (sure) return 'sure'
    found = 'maybe'
  }
  return found
}

/** The first seq above `after` that the user has to see; Infinity if there is none. */
export function nextSure(windows: readonly Window[], after: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const { from, to, sure } of windows) {
    const first = Math.max(from, after) + 1
    if (sure && first <= to && first < next) next = first
  }
  return next
}

/** The membership that still lasts. */
export function openWindow(windows: readonly Window[]): Window | undefined {
  return windows.find(({ to }) => to === Number.POSITIVE_INFINITY)
}

/** Memberships of one user in one conversation that are kept apart; of more, the oldest are merged and not sure. */
const windowsMax = 64

/** Opens a window at a known boundary; whatever was open ends there. */
export function joinAt(windows: Window[], top: number): void {
  closeAt(windows, top)
  windows.push({ from: top, to: Number.POSITIVE_INFINITY, sure: true })
  const [first, second] = windows
  if (windows.length > windowsMax && first && second) {
    windows.splice(0, 2, { from: first.from, to: second.to, sure: false })
  }
}

/** Ends the open windows at a known boundary. */
export function closeAt(windows: Window[], top: number): void {
  for (const window of windows) {
    if (window.to === Number.POSITIVE_INFINITY) window.to = top
  }
}

/** A join with unknown outcome: from somewhere above `seq` on, perhaps. */
export function maybeJoinAfter(windows: Window[], seq: number): void {
  if (openWindow(windows)?.sure) return
  windows.push({ from: seq, to: Number.POSITIVE_INFINITY, sure: false })
}

/** A leave with unknown outcome: above `seq` nothing is sure any more. */
export function maybeLeaveAfter(windows: Window[], seq: number): void {
  const open = openWindow(windows)
  if (open === undefined || !open.sure) return
  open.to = Math.max(open.from, seq)
  windows.push({ from: open.to, to: Number.POSITIVE_INFINITY, sure: false })
}
