// This device's place in one conversation: what was received, handed over, handled, stored and acknowledged.
import {
  type Ack,
  type ConversationId,
  type Cursor,
  directPattern,
  type Gap,
  type Msg,
  type Seq,
  type Synced,
} from '../protocol/index.ts'
import type { Discontinuity } from './effects.ts'
import { Frontier } from './frontier.ts'
import type { Position } from './storage.ts'

type At = Omit<Cursor, 'conv'>

interface Hole {
  from: Seq
  to: Seq
  reason: Discontinuity['reason']
}

export class Place {
  readonly conv: ConversationId
  readonly #isDirect: boolean
  #epoch: string
  /** Handed over, though perhaps not handled. */
  readonly #had = new Frontier()
  /** Own messages of an epoch that the server has not spoken of otherwise. */
  #elsewhere: { epoch: string; own: Seq[] } | undefined
  /** Handed over and not yet handled, oldest first. */
  readonly #inHand: At[] = []
  #saving: At | undefined
  #saved: At | undefined
  #acked: Seq = 0
  #ackAgain = false
  #ackedHere = false
  /** Nothing of it was seen on this connection yet: its replay may begin after an overflow or in a new epoch. */
  #isFresh = true
  /** No `synced` or `live` of this connection ended its replay yet: a group may show holes where we were no member. */
  #isReplaying = true
  /** On this connection the server spoke of our epoch. */
  #isConfirmed = false
  /** A replay began late, and no `synced` has said why; one that calls itself whole may excuse it. */
  #untold: (Hole & { isExcused: boolean }) | undefined
  #sync: 'none' | 'wanted' | 'asked' = 'none'
  /** Something beyond a hole was thrown away since `sync` was asked. */
  #hasDropped = false
  #read: Seq = 0
  #leftAt: Seq | undefined

  constructor(conv: ConversationId, epoch: string) {
    this.conv = conv
    this.#isDirect = directPattern.test(conv)
    this.#epoch = epoch
  }

  static restore({ conv, epoch, seq, own = [], next, hole }: Position): Place {
    const place = new Place(conv, epoch)
    if (seq !== undefined) place.#saved = { epoch, seq }
    if (hole) place.#untold = { ...hole, isExcused: false }
    place.#elsewhere = next
    place.#had.moveTo(seq)
    for (const one of own) place.#had.addOwn(one)
    return place
  }

  /** The membership ended, and everything of it was stored. */
  get isOver(): boolean {
    return this.#leftAt !== undefined && this.#saved?.epoch === this.#epoch && this.#saved.seq >= this.#leftAt
  }

  connecting(): void {
    this.#isFresh = true
    this.#isReplaying = true
    this.#isConfirmed = false
    this.#hasDropped = false
    this.#sync = 'none'
    // What the server said about it was cut off, and now it speaks only of what follows.
    if (this.#untold) this.#untold.isExcused = false
    // The last ack may have been lost with its connection.
    this.#ackAgain ||= this.#ackedHere
    this.#ackedHere = false
  }

  live(): void {
    this.#isFresh = false
    this.#isReplaying = false
    this.#isConfirmed = true
  }

  message({ epoch, seq, replay }: Msg): 'deliver' | 'known' | 'hole' {
    const mayJump = replay === true && (this.#isDirect ? this.#isFresh : this.#isReplaying)
    this.#isFresh = false
    if (!this.#reach(epoch, seq - 1, mayJump)) return 'hole'
    if (seq <= (this.#had.at ?? 0)) {
      // It stands in the server's window until an ack covers it once more.
      this.#ackAgain = true
      return 'known'
    }
    this.#inHand.push({ epoch, seq })
    this.#had.advance(seq)
    return 'deliver'
  }

  own(epoch: string, seq: Seq): void {
    if (epoch !== this.#epoch && this.#had.at !== undefined) {
      // The server numbers anew and has not said so: a `sync` brings its word, and this message once more.
      const own = this.#elsewhere?.epoch === epoch ? this.#elsewhere.own : []
      this.#elsewhere = { epoch, own: [...own, seq] }
      this.#foundHole()
      return
    }
    if (epoch !== this.#epoch) this.#restart(epoch, undefined)
    this.#isConfirmed = true
    this.#had.addOwn(seq)
  }

  synced(frame: Synced): Discontinuity | undefined {
    const asked = frame.id !== undefined
    if (asked && this.#sync !== 'asked') return undefined
    this.#isFresh = false
    this.#isReplaying = false
    // A hole within a first replay: the `sync` that is wanted already fills it.
    const isOpen = this.#sync === 'wanted'
    const hole = frame.recovered ? this.#passedOver(frame, asked) : this.#gapOf(frame, isOpen)
    if (!isOpen) this.#moveTo(frame, asked)
    return hole && { conv: this.conv, epoch: frame.epoch, ...hole }
  }

  /** The server waits for a `sync`, whose `synced` says what is really missing. */
  gap({ epoch, from }: Gap): void {
    if (this.#had.at === undefined) this.#restart(epoch, from)
    this.#foundHole()
  }

  joined(epoch: string, top: Seq): void {
    const leftAt = this.#leftAt
    const at = this.#had.at
    this.#isConfirmed = true
    if (leftAt === undefined || leftAt <= top) this.#leftAt = undefined
    if (epoch !== this.#epoch) this.#restart(epoch, top)
    // What came after `leftAt` shows that we were back already, and not until when.
    else if (at !== undefined) this.#had.skip(leftAt !== undefined && leftAt >= at ? leftAt : undefined, top)
    // Otherwise something may still come of an earlier membership that this device does not know.
    else if (!this.#isReplaying && leftAt === undefined) this.#had.advance(top)
  }

  left(top: Seq): void {
    // A replay also tells of memberships that are long over.
    if (top >= (this.#had.at ?? 0)) this.#leftAt = top
  }

  handled(epoch: string, seq: Seq): void {
    const [head] = this.#inHand
    if (head?.seq !== seq || head.epoch !== epoch) return
    this.#inHand.shift()
    const at = this.#position()
    if (at?.epoch === this.#epoch) this.#had.forgetOwn(at.seq)
  }

  saving(): Position {
    const at = this.#position()
    this.#saving = at
    const position: Position = { conv: this.conv, epoch: at?.epoch ?? this.#epoch }
    if (at) position.seq = at.seq
    if (position.epoch === this.#epoch) {
      const own = this.#had.ownAfter(at?.seq ?? 0)
      if (own.length > 0) position.own = own
      if (this.#elsewhere) position.next = this.#elsewhere
    } else position.next = { epoch: this.#epoch, own: this.#had.ownAfter(0) }
    if (this.#untold) {
      const { from, to, reason } = this.#untold
      position.hole = { from, to, reason }
    }
    return position
  }

  saved(): void {
    this.#saved = this.#saving
  }

  /** Where the stored state ends. A server may take it for an ack. */
  cursor(): Cursor | undefined {
    return this.#saved && { conv: this.conv, ...this.#saved }
  }

  ack(): Ack | undefined {
    const at = this.#saved
    if (!at || at.seq === 0 || !this.#isConfirmed || at.epoch !== this.#epoch) return undefined
    if (at.seq <= this.#acked && !this.#ackAgain) return undefined
    this.#acked = at.seq
    this.#ackAgain = false
    this.#ackedHere = true
    return { type: 'ack', conv: this.conv, ...at }
  }

  /** From where to `sync`, once everything before it was handled and stored. */
  takeSync(): Cursor | undefined {
    const at = this.#saved
    if (this.#sync !== 'wanted' || !at || at.epoch !== this.#epoch || at.seq !== this.#had.at)
      return undefined
    this.#sync = 'asked'
    this.#hasDropped = false
    return { conv: this.conv, ...at }
  }

  /** The epoch, if `seq` moves the read position. */
  read(seq: Seq): string | undefined {
    if (seq <= this.#read) return undefined
    this.#read = seq
    return this.#epoch
  }

  /** False if something up to `seq` is missing. A replay that begins later is believed: its `synced` explains it. */
  #reach(epoch: string, seq: Seq, mayJump: boolean): boolean {
    const isNewEpoch = epoch !== this.#epoch
    if (!isNewEpoch) this.#had.passSkips(seq)
    const { at } = this.#had
    const isHole = at === undefined ? mayJump && seq > 0 : isNewEpoch || seq > at
    if (isHole && !mayJump) return this.#foundHole()
    if (isHole && isNewEpoch && at !== undefined) this.#jumped({ from: 0, to: seq, reason: 'epoch' })
    else if (isHole) this.#jumped({ from: at ?? 0, to: seq, reason: 'unannounced' })
    if (isNewEpoch) this.#restart(epoch, seq)
    else this.#had.advance(seq)
    this.#isConfirmed = true
    return true
  }

  #jumped(hole: Hole): void {
    const earlier = this.#untold
    // Before the first message we know of, or between memberships in a group, lies what may be none of ours.
    const isExcused = this.#had.at === undefined || !this.#isDirect
    this.#untold = {
      ...hole,
      from: Math.min(hole.from, earlier?.from ?? hole.from),
      isExcused: isExcused && hole.reason !== 'epoch' && !earlier,
    }
  }

  #foundHole(): false {
    this.#hasDropped = true
    if (this.#sync === 'none' && this.#had.at !== undefined) this.#sync = 'wanted'
    return false
  }

  /** What a replay that calls itself whole has passed over. */
  #passedOver({ epoch, to }: Synced, asked: boolean): Hole | undefined {
    const untold = this.#untold
    const { at } = this.#had
    this.#untold = undefined
    if (untold && !untold.isExcused) return { from: untold.from, to: untold.to, reason: untold.reason }
    const isShort = asked && this.#hasDropped && epoch === this.#epoch && at !== undefined && at < to
    return isShort ? { from: at, to, reason: 'unannounced' } : undefined
  }

  #gapOf({ epoch, from, gap }: Synced, isOpen: boolean): Hole | undefined {
    const untold = this.#untold
    this.#untold = undefined
    const wasTold = gap?.reason === 'epoch' && epoch === this.#epoch
    if (!untold && (isOpen || wasTold)) return undefined
    const hole: Hole = gap ?? { from: 0, to: from, reason: 'unannounced' }
    // A hole that an earlier connection left and this one are told as one that reaches over both.
    return untold ? { ...hole, from: Math.min(untold.from, hole.from) } : hole
  }

  #moveTo({ epoch, from, to, complete, recovered, gap }: Synced, asked: boolean): void {
    const isBack = gap?.reason === 'future'
    if (asked && !recovered && !isBack && from < to) {
      // Its messages did not follow on ours and were thrown away: ask again from where they begin.
      this.#restart(epoch, from)
      this.#sync = 'wanted'
      return
    }
    if (epoch !== this.#epoch || isBack) this.#restart(epoch, to)
    else this.#had.advance(to)
    this.#sync = complete ? 'none' : 'wanted'
  }

  #restart(epoch: string, seq: Seq | undefined): void {
    if (epoch !== this.#epoch) {
      this.#had.clear()
      this.#read = 0
    }
    const own = this.#elsewhere?.epoch === epoch ? this.#elsewhere.own : []
    this.#elsewhere = undefined
    this.#epoch = epoch
    this.#acked = 0
    this.#had.moveTo(seq)
    for (const one of own) this.#had.addOwn(one)
  }

  #position(): At | undefined {
    const [head] = this.#inHand
    if (head) return { epoch: head.epoch, seq: head.seq - 1 }
    return this.#had.at === undefined ? undefined : { epoch: this.#epoch, seq: this.#had.at }
  }
}
