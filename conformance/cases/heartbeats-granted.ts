// Which heartbeat is in force: SPEC.md#heartbeats.
import {
  type Heartbeat,
  type HeartbeatRequest,
  maxSafe,
  type Network,
  networkHeartbeats,
} from '../../protocol/index.ts'
import { defineCase } from '../case.ts'
import { expectEqual } from '../expect.ts'
import { all, clause } from '../outcome.ts'

// [HB-11] `deadAfterMs` MUST equal `maxMissed` × `intervalMs` + `timeoutMs`, wherever it is announced.
// [HB-12] The server SHOULD grant the numbers of the table, overridden one by one, each moved into its range.
export const heartbeatIsGrantedAsAsked = defineCase({
  id: 'heartbeats/heartbeat-is-granted-as-asked',
  rules: ['HB-11', 'HB-12'],
  level: 'must',
  async run(t) {
    const alice = await t.connect()
    const ask = async (network: Network, request?: HeartbeatRequest): Promise<Heartbeat> =>
      (await alice.network(network, request)).heartbeat ?? alice.welcome.heartbeat
    const least = await ask('wifi', { intervalMs: 0, timeoutMs: 0, maxMissed: 0 })
    const most = await ask('wifi', { intervalMs: maxSafe, timeoutMs: maxSafe, maxMissed: maxSafe })
    const middle = { intervalMs: 45_000, timeoutMs: 7_000, maxMissed: 4 }
    const rows: [Heartbeat, Partial<Heartbeat>][] = [[alice.welcome.heartbeat, networkHeartbeats.wifi]]
    for (const network of ['mobile', 'wifi', 'lan'] as const) {
      rows.push([await ask(network), networkHeartbeats[network]])
      rows.push([await ask(network, middle), middle])
      rows.push([
        await ask(network, { intervalMs: 45_000 }),
        { ...networkHeartbeats[network], intervalMs: 45_000 },
      ])
    }
    const granted = rows.map(([given, wanted]) =>
      expectEqual('heartbeat', given, inRange(wanted, least, most)),
    )
    const everywhere = [least, most, ...rows.map(([given]) => given)]
    const sums = everywhere.map((one) =>
      expectEqual('deadAfterMs', one.deadAfterMs, one.maxMissed * one.intervalMs + one.timeoutMs),
    )
    return [clause('HB-11', all(...sums)), clause('HB-12', all(...granted))]
  },
})

/** These numbers, each moved between the least and the most that the server grants. */
function inRange(wanted: Partial<Heartbeat>, least: Heartbeat, most: Heartbeat): Heartbeat {
  const move = (name: 'intervalMs' | 'timeoutMs' | 'maxMissed'): number =>
    Math.min(most[name], Math.max(least[name], wanted[name] ?? 0))
  const [intervalMs, timeoutMs, maxMissed] = [move('intervalMs'), move('timeoutMs'), move('maxMissed')]
  return { intervalMs, timeoutMs, maxMissed, deadAfterMs: maxMissed * intervalMs + timeoutMs }
}
