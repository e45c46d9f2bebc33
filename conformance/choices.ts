// What a case can choose about a connection.
import type { Encoding, Hello } from '../protocol/index.ts'
import type { UpgradeOptions } from './upgrade.ts'

export interface UpgradeChoices
  extends Pick<UpgradeOptions, 'path' | 'subprotocols' | 'headers' | 'compress' | 'partial'> {
  encoding?: Encoding
  timeoutMs?: number
}

export interface OpenChoices extends UpgradeChoices {
  /** A new one by default. */
  deviceId?: string
  /** Default true: acknowledge every `msg`, answer every ping. */
  autoAck?: boolean
  autoPong?: boolean
  /** What it writes is wrong on purpose; default false. */
  breaksRules?: boolean
}

export interface ConnectChoices
  extends OpenChoices,
    Partial<Pick<Hello, 'caps' | 'network' | 'heartbeat' | 'resume' | 'traceparent'>> {
  token?: string
}
