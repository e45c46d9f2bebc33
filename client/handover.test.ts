// Messages reach the application one after the other, whenever they, the listeners and the pauses come.
import { describe, expect, it } from 'vitest'
import type { Msg } from '../protocol/index.ts'
import { Emitter } from './emitter.ts'
import { Handover } from './handover.ts'
import type { ClientEvents } from './options.ts'

describe('a handover', () => {
  it('misses no message that comes just when the one before was handled', async () => {
    for (let steps = 0; steps < 12; steps++) {
      const { handover, emitter, handled } = open()
      emitter.on('message', () => {})
      handover.add(message(1))
      if (steps > 0) await microtasks(steps - 1)
      handover.add(message(2))
      await microtasks(20)
      expect(handled, `${steps} microtasks later`).toEqual([1, 2])
    }
  })

  it('misses no first listener that comes just when a message was found to have none', async () => {
    for (let steps = 0; steps < 12; steps++) {
      const { handover, emitter, handled } = open()
      handover.add(message(1))
      if (steps > 0) await microtasks(steps - 1)
      emitter.on('message', () => {})
      handover.resume()
      await microtasks(20)
      expect(handled, `${steps} microtasks later`).toEqual([1])
    }
  })

  it('ends the message in hand and begins no other while it is paused', async () => {
    const { handover, emitter, handled } = open()
    let end = () => {}
    const begun: number[] = []
    emitter.on('message', ({ seq }) => {
      begun.push(seq)
      return new Promise<void>((resolve) => (end = resolve))
    })
    handover.add(message(1))
    handover.add(message(2))
    handover.pause()
    end()
    await microtasks(20)
    handover.resume()
    await microtasks(20)
    expect([begun, handled]).toEqual([[1], [1]])
    handover.start()
    end()
    await microtasks(20)
    expect(handled).toEqual([1, 2])
  })

  it('hands over again what a listener failed for, once it is started anew', async () => {
    const { handover, emitter, handled, failures } = open()
    let fails = true
    emitter.on('message', async () => {
      if (fails) throw new Error('no room')
    })
    handover.add(message(1))
    await microtasks(20)
    handover.add(message(2))
    await microtasks(20)
    expect(failures).toEqual([new Error('no room')])
    fails = false
    handover.start()
    await microtasks(20)
    expect(handled).toEqual([1, 2])
  })
})

function open() {
  const emitter = new Emitter<ClientEvents>()
  const handled: number[] = []
  const failures: unknown[] = []
  const handover = new Handover({
    emitter,
    handled: ({ seq }) => void handled.push(seq),
    failed: (cause) => void failures.push(cause),
  })
  return { handover, emitter, handled, failures }
}

function message(seq: number): { type: 'message'; message: Msg } {
  const message = { conv: 'd:alice:bob', epoch: 'e', seq, msgId: '', from: 'bob', content: '', timestamp: 0 }
  return { type: 'message', message: { type: 'msg', ...message } }
}

async function microtasks(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await Promise.resolve()
}
