// Servers that are wrong, made of a right one and a man in the middle; each is wrong in the same way every time.
import type { Frame, Meddler } from './man-in-the-middle.ts'

export interface Defect {
  name: string
  /** The property that is about it. */
  property: string
  /** A meddler for each connection; called once for each server. */
  create(): () => Meddler
}

type Msg = Frame & { conv: string; seq: number; msgId: string; replay?: boolean }

export const defects: readonly Defect[] = [
  {
    name: 'loses every third message of a conversation on its way',
    property: 'properties/what-is-sent-arrives-in-one-order',
    create: () => () => ({ fromServer: onLive((msg) => (msg.seq % 3 === 0 ? [] : [msg])) }),
  },
  {
    name: 'delivers every second message twice',
    property: 'properties/what-is-sent-arrives-in-one-order',
    create: () => () => ({ fromServer: onLive((msg) => (msg.seq % 2 === 0 ? [msg, msg] : [msg])) }),
  },
  {
    name: 'swaps deliveries that come close together',
    property: 'properties/what-is-sent-arrives-in-one-order',
    create: () => swapping,
  },
  {
    name: 'recognises no repeat on another connection',
    property: 'properties/repeats-stay-one-message',
    create: forgetting,
  },
  {
    name: 'answers a repeat with the next seq',
    property: 'properties/repeats-stay-one-message',
    create: () => () => ({
      fromServer: (frame) =>
        frame.type === 'sent' && frame.duplicate ? [{ ...frame, seq: Number(frame.seq) + 1 }] : [frame],
    }),
  },
  {
    name: 'leaves out the last item of a page that others follow',
    property: 'properties/history-is-the-log',
    create: () => () => ({
      fromServer: (frame) =>
        frame.type === 'page' && frame.complete === false
          ? [{ ...frame, items: (frame.items as unknown[]).slice(0, -1) }]
          : [frame],
    }),
  },
  {
    name: 'skips the first message of a replay',
    property: 'properties/return-brings-what-was-missed',
    create: () => skipping,
  },
  {
    name: 'takes every cursor for valid',
    property: 'properties/return-brings-what-was-missed',
    create: () => () => ({ fromServer: (frame) => [unlost(frame)] }),
  },
  {
    name: 'lets a member in one message too early',
    property: 'properties/members-see-their-windows',
    create: () => lettingInEarly,
  },
  {
    name: 'reports a position before it is reached',
    property: 'properties/receipts-only-advance',
    create: () => () => ({
      fromServer: (frame) =>
        frame.type === 'receipt' ? [{ ...frame, seq: Number(frame.seq) + 1 }] : [frame],
    }),
  },
]

function onLive(change: (msg: Msg) => Frame[]): (frame: Frame) => Frame[] {
  return (frame) => (frame.type === 'msg' && frame.replay !== true ? change(frame as Msg) : [frame])
}

/** Holds a message until another one of its conversation follows at once; anything else sets it free. */
function swapping(): Meddler {
  let held: Msg | undefined
  return {
    fromServer(frame) {
      const before = held
      held = undefined
      if (frame.type !== 'msg' || frame.replay === true) return before ? [before, frame] : [frame]
      const msg = frame as Msg
      if (before?.conv === msg.conv) return [msg, before]
      held = msg
      return before ? [before] : []
    },
  }
}

/** A repeat on a connection that did not send the message first gets another name, which nobody else sees. */
function forgetting(): () => Meddler {
  const firstOn = new Map<string, symbol>()
  const originals = new Map<string, string>()
  return () => {
    const connection = Symbol('connection')
    const named = (frame: Frame): Frame => {
      const original = originals.get(String(frame.msgId))
      return original === undefined ? frame : { ...frame, msgId: original }
    }
    return {
      fromClient(frame) {
        if (frame.type !== 'send') return [frame]
        const msgId = String(frame.msgId)
        const first = firstOn.get(msgId) ?? connection
        firstOn.set(msgId, first)
        if (first === connection) return [frame]
        const other = crypto.randomUUID()
        originals.set(other, msgId)
        return [{ ...frame, msgId: other }]
      },
      fromServer(frame) {
        if (frame.type !== 'page') return [named(frame)]
        return [{ ...frame, items: (frame.items as Frame[]).map(named) }]
      },
    }
  }
}

function skipping(): Meddler {
  let hasSkipped = false
  return {
    fromServer(frame) {
      if (hasSkipped || frame.type !== 'msg' || frame.replay !== true) return [frame]
      hasSkipped = true
      return []
    },
  }
}

function unlost(frame: Frame): Frame {
  if (frame.type !== 'synced' || frame.recovered !== false) return frame
  const { gap: _gap, ...rest } = frame
  return { ...rest, recovered: true }
}

/** Says that a membership begins before the newest message, which it does not deliver. */
function lettingInEarly(): Meddler {
  const joins = new Set<unknown>()
  return {
    fromClient(frame) {
      if (frame.type === 'join') joins.add(frame.id)
      return [frame]
    },
    fromServer(frame) {
      if (frame.type !== 'ok' || !joins.delete(frame.id) || !(Number(frame.top) > 0)) return [frame]
      return [{ ...frame, top: Number(frame.top) - 1 }]
    },
  }
}
