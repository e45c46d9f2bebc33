#!/usr/bin/env node
// The command `chatspec`.
import { run } from './program.ts'

// `chatspec … | head` ends the reader, which is no reason to fail.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await run(process.argv.slice(2))
