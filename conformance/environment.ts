// Where a result was made: the machine, the runtime and the version of the judge.
import { readFileSync } from 'node:fs'
import { arch, cpus, platform, release } from 'node:os'
import { ChatspecError } from '../protocol/index.ts'

export interface Environment {
  node: string
  platform: string
  cpu: string
  cpuCount: number
}

export function describeEnvironment(): Environment {
  const cores = cpus()
  return {
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cpuCount: cores.length,
  }
}

/** package.json lies one level above `conformance/`, or two above `dist/conformance/`. */
export function toolVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {}
  }
  throw new ChatspecError('BROKEN_INSTALL', 'package.json of chatspec is missing')
}
