// Flags of every command that talks to a server: where it is, and how to get tokens for it.
import { type Command, Option } from 'commander'
import { readTargetFile, resolveTarget, type Target } from '../conformance/index.ts'
import { ChatspecError } from '../protocol/index.ts'
import { findSecret, secretVariable } from './secret.ts'
import { duration } from './values.ts'

export interface TargetFlags {
  target?: string
  timeout?: number
  secretFile?: string
  tokenCommand?: string
  tokenFile?: string
  loginUrl?: string
  audience?: string
  issuer?: string
  origin?: string
  insecure?: true
}

/** Where the server is and how to get in. */
export function addTarget(command: Command): void {
  const ways = ['secretFile', 'tokenCommand', 'tokenFile', 'loginUrl']
  const way = (name: string, flags: string, text: string): Option =>
    new Option(flags, text).conflicts(ways.filter((other) => other !== name))
  command
    .option('--target <file>', 'description of the server in JSON')
    .option('--timeout <duration>', 'of one wait (default: 12s)', duration(100, 60_000))
    .option('--origin <origin>', 'sent with every upgrade')
    .option('--insecure', 'accept any TLS certificate')
    .addOption(
      way('secretFile', '--secret-file <file>', 'file that holds the secret that the server verifies with'),
    )
    .addOption(way('tokenCommand', '--token-command <command>', 'prints a token for {user}'))
    .addOption(way('tokenFile', '--token-file <file>', 'JSON: {"<user>": "<token>", …}'))
    .addOption(way('loginUrl', '--login-url <url>', 'answers POST {"user": …} with {"token": …}'))
    .option('--audience <aud>', 'claim aud of tokens made with the secret')
    .option('--issuer <iss>', 'claim iss of tokens made with the secret')
}

/** The target file, overridden by flags. @throws ChatspecError */
export function toTarget(url: string | undefined, flags: TargetFlags): Target {
  const described = flags.target === undefined ? {} : readTargetFile(flags.target)
  if (typeof described !== 'object' || described === null) return resolveTarget(described)
  const tokens = toTokens(flags) ?? ('tokens' in described ? described.tokens : toSecretTokens(flags))
  if (url === undefined && !('url' in described)) {
    throw new ChatspecError(
      'BAD_TARGET',
      'no url; allowed: one as the argument, or "url" in the --target file',
    )
  }
  if (tokens === undefined) {
    const ways = `--secret-file, ${secretVariable}, --token-command, --token-file, --login-url, "tokens" in the --target file`
    throw new ChatspecError('BAD_TARGET', `no way to get tokens; allowed is one of ${ways}`)
  }
  return resolveTarget({
    ...described,
    tokens,
    ...(url !== undefined && { url }),
    ...(flags.timeout !== undefined && { timeoutMs: flags.timeout }),
    ...(flags.origin !== undefined && { origin: flags.origin }),
    ...(flags.insecure && { insecure: true }),
  })
}

/** What the flags say, if they do. */
function toTokens(flags: TargetFlags): object | undefined {
  if (flags.secretFile !== undefined) return toSecretTokens(flags)
  if (flags.tokenCommand !== undefined) return { command: flags.tokenCommand }
  if (flags.tokenFile !== undefined) return { file: flags.tokenFile }
  return flags.loginUrl === undefined ? undefined : { login: flags.loginUrl }
}

function toSecretTokens({ secretFile, audience, issuer }: TargetFlags): object | undefined {
  const secret = findSecret({ secretFile, env: process.env })?.value
  return secret === undefined
    ? undefined
    : { secret, ...(audience !== undefined && { audience }), ...(issuer !== undefined && { issuer }) }
}
