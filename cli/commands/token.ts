// `chatspec token`: mints a token for trying things out.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ChatspecError, namePattern } from '../../protocol/index.ts'
import { findStrongSecret, secretVariable } from '../secret.ts'
import { durationMs } from '../values.ts'
import { defaultDataDir } from './serve.ts'

interface TokenFlags {
  sub: string
  expires: number
  secretFile?: string
  dataDir: string
  audience?: string
  issuer?: string
}

export function addToken(program: Command): void {
  program
    .command('token')
    .summary('mint a token for trying things out')
    .description(
      `Prints a token (HS256) that makes its holder the user --sub. The secret is read from --secret-file, else from ${secretVariable}, else from the file "secret" in the data directory, where \`chatspec serve\` keeps the one it made.`,
    )
    .requiredOption('--sub <user>', 'the user', userName)
    .addOption(
      new Option('--expires <duration>', 'how long it is good for')
        .argParser(durationMs)
        .default(3_600_000, '1h'),
    )
    .option('--secret-file <file>', 'file that holds the secret of the server')
    .option('--data-dir <dir>', 'data directory of the server', defaultDataDir)
    .option('--audience <aud>', 'claim aud')
    .option('--issuer <iss>', 'claim iss')
    .addHelpText('after', '\nExample:\n  $ chatspec token --sub alice --expires 30m\n')
    .action(async (flags: TokenFlags) => {
      process.stdout.write(`${await mint(flags)}\n`)
    })
}

/** @throws ChatspecError if there is no secret. */
async function mint(flags: TokenFlags): Promise<string> {
  const { sub, expires, secretFile, dataDir, audience, issuer } = flags
  const secret = findStrongSecret({ secretFile, dataDir, env: process.env })?.value
  if (secret === undefined) {
    const ways = `--secret-file, ${secretVariable}, or the --data-dir of a server`
    throw new ChatspecError('NO_SECRET', `no secret: ${dataDir} holds none; allowed is one of ${ways}`)
  }
  const { mintToken } = await import('../../server/index.ts')
  const claims = { ...(audience !== undefined && { audience }), ...(issuer !== undefined && { issuer }) }
  return mintToken({ secret, sub, expiresInSeconds: Math.ceil(expires / 1000), ...claims }, Date.now())
}

function userName(text: string): string {
  if (namePattern.test(text)) return text
  throw new InvalidArgumentError('Allowed: 1 to 64 of A-Z a-z 0-9 . _ ~ @ -')
}
