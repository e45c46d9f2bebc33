// `chatspec conform <url>`: judges a server by its URL.
import { type Command, Option } from 'commander'
import { type Profile, profiles, publicUrl, readBaseline, type Target } from '../../conformance/index.ts'
import { ChatspecError, type Encoding } from '../../protocol/index.ts'
import { type Format, formats, judgeAndReport } from '../judge.ts'
import { addTarget, type TargetFlags, toTarget } from '../target-flags.ts'
import { secretVariable } from '../secret.ts'
import { collect, duration, integer, listOf, shrinkPath } from '../values.ts'

interface ConformFlags extends TargetFlags {
  profile: Profile
  encoding: Encoding | 'both'
  only?: string[]
  seed?: number
  replay?: string
  deadline?: number
  out?: string
  format?: Format[]
  json?: true
  baseline?: string
}

const more = `
Tokens, one way of: --secret-file or ${secretVariable} in the environment (most can be tested with it), --token-command,
--token-file, --login-url, or "tokens" in the target file.

Profiles: quick aims at 15 s on two cores, default at 90 s, full at 6 min; each holds the one before.

Target file: {"url", "tokens": {"secret" | "command" | "file" | "login"}, "users", "insecure", "origin", "capabilities",
"timeoutMs", "hooks"}; flags win. Hooks are shell commands for what takes more than talking to the server; cases that use
them run last, one at a time, and what has none is untestable:
  "kill"              kill -9; then "start" brings it back at the same URL, with its data
  "term"              SIGTERM: tells it to stop in an orderly way; then "start"
  "restart"           stops and starts it
  "pause", "resume"   SIGSTOP and SIGCONT
  "revoke"            revokes what was issued to the user {sub}, or the token {jti}
  "metrics"           no command but the URL of its metrics, or {"url", "token"}
  "log"               no command but the path of its log file

Baseline file: what is known to fail and does not fail the run, as a list of {"rule" and/or "case", "encoding" if only in
one, "reason", "link", "expires": "2026-12-31"}. An entry that passes, has expired or matches nothing fails the run.

Exit codes: 0 conformant, or nothing but known failures, 1 not conformant, 2 undecided, 3 there was nothing to judge, or trouble of our own.
Progress is on stderr; the table, or the JSON of --json, on stdout. On GitHub (GITHUB_STEP_SUMMARY) the verdict is also
added to the job summary. --out also gets the histories of cases that did not pass, for \`chatspec check\`.

Examples:
  $ chatspec conform ws://localhost:8080/ws --secret-file chatspec-data/secret
  $ chatspec conform wss://chat.example/ws --login-url https://chat.example/login --out out/chat
  $ chatspec conform localhost:8080 --target target.json --baseline known.json
  $ chatspec conform localhost:8080 --token-command './token.sh {user}' --only ordering --encoding json --seed 7`

export function addConform(program: Command): void {
  const command = program
    .command('conform')
    .summary('judge a server by its URL')
    .description(
      'Talks to a server like a stranger and says which promises of chatspec/1 it keeps. Makes users, groups and messages there.',
    )
    .argument('[url]', 'where it is: ws://, wss://, http://, https:// or host:port; the path defaults to /ws')
  addScope(command)
  addTarget(command)
  addOutputs(command)
  command.addHelpText('after', more).action(async (url: string | undefined, flags: ConformFlags) => {
    process.exitCode = await conform(url, flags)
  })
}

function addScope(command: Command): void {
  command
    .addOption(new Option('--profile <name>', 'which cases').choices(profiles).default('default'))
    .addOption(new Option('--encoding <name>', 'of frames').choices(['json', 'cbor', 'both']).default('both'))
    .option('--only <pattern>', 'a case id, a group, a clause id, or an id with *; repeatable', collect)
    .option('--seed <number>', 'repeats the random choices of a run', integer(0, 0xffff_ffff))
    .option('--replay <path>', 'with --seed, --profile and --only: repeats a counterexample', shrinkPath)
    .option('--deadline <duration>', 'of the whole run (default: 10m)', duration(1_000, 86_400_000))
    .option('--baseline <file>', 'known failures in JSON')
}

function addOutputs(command: Command): void {
  command
    .option('--out <dir>', 'write reports there')
    .option('--format <names>', `of ${formats.join(', ')} (default: json,junit,html)`, listOf(formats))
    .option('--json', 'the result as JSON on stdout, no table')
}

async function conform(url: string | undefined, flags: ConformFlags): Promise<number> {
  const { out, format, json, profile, encoding, only, seed, replay, deadline, baseline } = flags
  if (format !== undefined && out === undefined) {
    throw new ChatspecError(
      'BAD_OPTION',
      `--format ${format.join(',')} has no effect; allowed: together with --out`,
    )
  }
  if (replay !== undefined && (seed === undefined || only === undefined)) {
    throw new ChatspecError(
      'BAD_OPTION',
      `--replay ${replay} has no effect; allowed: together with --seed and --only`,
    )
  }
  const target = toTarget(url, flags)
  const options = {
    profile,
    encodings: encoding === 'both' ? (['json', 'cbor'] as const) : [encoding],
    command: describeCommand(target, flags),
    ...(only !== undefined && { only }),
    ...(seed !== undefined && { seed }),
    ...(baseline !== undefined && { baseline: readBaseline(baseline) }),
    ...(replay !== undefined && { replay }),
    ...(deadline !== undefined && { deadlineMs: deadline }),
  }
  return await judgeAndReport(target, options, {
    json,
    formats: format,
    ...(out !== undefined && { directory: () => out }),
  })
}

/** The command line that repeats a case; it stands in reports, so what may be secret is left out. */
function describeCommand({ url }: Target, flags: ConformFlags): string {
  const parts = [
    `chatspec conform ${publicUrl(url)}`,
    ...(flags.target === undefined ? [] : [`--target ${flags.target}`]),
    ...(flags.secretFile === undefined ? [] : [`--secret-file ${flags.secretFile}`]),
    ...(flags.tokenCommand === undefined ? [] : ["--token-command '…'"]),
    ...(flags.tokenFile === undefined ? [] : [`--token-file ${flags.tokenFile}`]),
    ...(flags.loginUrl === undefined ? [] : ['--login-url …']),
    ...(flags.insecure ? ['--insecure'] : []),
  ]
  return parts.join(' ')
}
