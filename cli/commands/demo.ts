// `chatspec demo`, which is `npm start`: serves, judges the server through its URL like a stranger, stops it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type ConformanceResult, resolveTarget } from '../../conformance/index.ts'
import { ChatspecError } from '../../protocol/index.ts'
import { DemoServer } from '../demo-server.ts'
import { exitCodes } from '../exit.ts'
import { judgeAndReport } from '../judge.ts'
import { findSecret } from '../secret.ts'
import { integer } from '../values.ts'

interface DemoFlags {
  out?: string
  seed?: number
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('serve, judge and report, all at once')
    .description(
      'Starts `chatspec serve` with its embedded store as a process of its own on a free port, judges it through its URL (quick profile, both encodings), kills, stops, pauses and restarts it meanwhile to see what it loses, writes report.json, junit.xml and report.html, and stops it.',
    )
    .option('--out <dir>', 'where reports go (default: out/<run>)')
    .option('--seed <number>', 'repeats the random choices of a run', integer(0, 0xffff_ffff))
    .addHelpText('after', '\nExample:\n  $ chatspec demo --seed 7 --out out/demo')
    .action(async (flags: DemoFlags) => {
      process.exitCode = await demo(flags)
    })
}

async function demo({ out, seed }: DemoFlags): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'chatspec-demo-'))
  const server = new DemoServer(dataDir)
  const cleanUp = (): void => {
    server.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
  // Also when this process is told to end at once.
  process.once('exit', cleanUp)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(exitCodes.failed))
  // While it judges, Ctrl-C is for the judging: see judgeAndReport.
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') === 1) process.exit(exitCodes.failed)
  })
  try {
    const url = await server.start()
    process.stderr.write(`serving ${url} for this demo, judging it as a stranger would\n`)
    const secret = findSecret({ dataDir, env: {} })
    if (secret === undefined)
      throw new ChatspecError('DEMO_FAILED', `the server kept no secret in ${dataDir}`)
    const target = resolveTarget({ url, tokens: { secret: secret.value }, hooks: server.hooks() })
    const options = {
      profile: 'quick' as const,
      command: 'chatspec conform <url> --secret-file <file>',
      ...(seed !== undefined && { seed }),
    }
    return await judgeAndReport(target, options, { directory: (result) => out ?? runDirectory(result) })
  } finally {
    await server.stop()
    cleanUp()
  }
}

/** `out/2026-01-02T03-04-05Z-seed-42`: sorts by time, names what repeats it. */
function runDirectory({ started, seed }: ConformanceResult): string {
  return join('out', `${started.slice(0, 19).replaceAll(':', '-')}Z-seed-${seed}`)
}
