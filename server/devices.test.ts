import { expect, it } from 'vitest'
import { createCursors } from './cursors.ts'
import { createDevices, devicesPerUser } from './devices.ts'
import { createMemoryLog } from './log-memory.ts'
import { createRecords } from './records.ts'

const hourMs = 3_600_000
const keepMs = 30 * 24 * hourMs
const nowMs = 1_790_000_000_000

function setUp() {
  const log = createMemoryLog({ dedupWindowMs: 1_000, now: () => nowMs })
  const records = createRecords(log)
  const devices = createDevices(records, createCursors(records, log.epoch))
  const see = (deviceId: string, atMs = nowMs): void =>
    devices.remember({ id: 'alice', sessions: [{ deviceId }] }, devices.of('alice'), {
      deviceId,
      nowMs: atMs,
      keepMs,
    })
  return { devices, records, see, names: () => Object.keys(devices.of('alice') ?? {}) }
}

it('knows a user from the first device on', () => {
  const { devices, see } = setUp()
  expect(devices.of('alice')).toBeUndefined()
  expect(devices.isKnown('alice')).toBe(false)
  see('phone')
  expect(devices.of('alice')).toEqual({ phone: nowMs })
  expect(devices.isKnown('alice')).toBe(true)
})

it('writes a device anew only when an hour has passed', () => {
  const { devices, see } = setUp()
  see('phone')
  see('phone', nowMs + hourMs - 1)
  expect(devices.of('alice')).toEqual({ phone: nowMs })
  see('phone', nowMs + hourMs)
  expect(devices.of('alice')).toEqual({ phone: nowMs + hourMs })
})

it('remembers devices that are called like properties of every object', () => {
  const { see, names } = setUp()
  for (const deviceId of ['phone', 'constructor', '__proto__', 'toString']) see(deviceId)
  expect(names().sort()).toEqual(['__proto__', 'constructor', 'phone', 'toString'])
})

it('forgets those of too many that were unseen for longest, and those unseen for too long, with their cursors', () => {
  const { records, see, names } = setUp()
  records.put(['cursor', 'alice', 'd0', 'd:alice:bob'], ['epoch', 1])
  for (let n = 0; n <= devicesPerUser; n++) see(`d${n}`, nowMs + n)
  expect(names()).toHaveLength(devicesPerUser)
  expect(names()).not.toContain('d0')
  expect([...records.list(['cursor', 'alice', 'd0'])]).toEqual([])
  see('late', nowMs + keepMs + 10)
  expect(names().sort()).toEqual(['late', ...names().filter((name) => Number(name.slice(1)) >= 10)].sort())
  expect(names()).not.toContain('d9')
})
