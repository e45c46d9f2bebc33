// What this server promises: in `welcome`, and to anybody at `/.well-known/chatspec`.
import type { MessageLog } from './log.ts'
import type { ServerOptions } from './options.ts'

export function capabilities(options: Readonly<ServerOptions>, log: MessageLog): string[] {
  return [
    `durability=${log.durability}`,
    'fence',
    'life=any-frame',
    'devices',
    'msg-echo=other-devices',
    'directory',
    'groups',
    `join=${options.groupJoin}`,
    'sync',
    'resume',
    'history',
    'history=window',
    ...(options.presence ? ['presence'] : []),
    ...(options.receipts ? ['receipts'] : []),
  ]
}

export interface CapabilitySource {
  options: Readonly<ServerOptions>
  log: MessageLog
}

/** On one connection, optional features are in force only if the client asked for them. */
export function welcomeCapabilities(
  { options, log }: CapabilitySource,
  session: { wantsPresence: boolean; wantsReceipts: boolean },
): string[] {
  return capabilities(options, log).filter(
    (name) =>
      (name !== 'presence' || session.wantsPresence) && (name !== 'receipts' || session.wantsReceipts),
  )
}
