// The one place that loads uWebSockets.js: the official build, else a prebuilt one from npm, never a JavaScript copy.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ChatspecError } from '../protocol/index.ts'
import type { Uws } from './uws-types.ts'

export interface LoadedUws {
  uws: Uws
  /** Package and version, for `/metrics` and every result. */
  build: string
}

/** Where modules come from; tests hand in another one. */
export interface ModuleSource {
  load(specifier: string): unknown
  /** @throws if the package is not installed. */
  versionOf(packageName: string): string
}

export interface Platform {
  os: string
  arch: string
  node: string
  /** Version of Node's binary interface. */
  abi: string
  /** Its version; undefined where the C library is another one. Asked only after a failure: it takes 5 ms. */
  glibc(): string | undefined
}

interface Candidate {
  name: string
  specifier: string
}

/** @throws ChatspecError `UWS_MISSING` that says what to install, and why each build did not load. */
export function loadUws(source: ModuleSource = installed(), platform: Platform = thisPlatform()): LoadedUws {
  const attempts: string[] = []
  for (const { name, specifier } of candidatesFor(platform)) {
    try {
      const version = source.versionOf(name)
      const module = source.load(specifier)
      const flaw = flawOf(module)
      if (flaw === undefined) return { uws: module as Uws, build: `${name} ${version}` }
      attempts.push(`${name} ${version}: ${flaw}`)
    } catch (cause) {
      attempts.push(`${name}: ${reasonOf(cause)}`)
    }
  }
  throw new ChatspecError(
    'UWS_MISSING',
    `no build of uWebSockets.js loads\n${advice(platform)}\n${attempts.join('\n')}`,
  )
}

function candidatesFor({ os, arch, abi }: Platform): Candidate[] {
  return [
    { name: 'uWebSockets.js', specifier: 'uWebSockets.js' },
    { name: '@btc-vision/uwebsockets.js', specifier: '@btc-vision/uwebsockets.js' },
    {
      // Its main file falls back to a slow JavaScript copy, hiding the reason: ask for the binary itself.
      name: '@trufflesuite/uws-js-unofficial',
      specifier: `@trufflesuite/uws-js-unofficial/binaries/uws_${os}_${arch}_${abi}.node`,
    },
  ]
}

/** A JavaScript copy would serve, slowly and differently; every measurement would be of something else. */
function flawOf(module: unknown): string | undefined {
  if (typeof module !== 'object' || module === null) return 'not a module object'
  for (const name of ['App', 'SSLApp', 'us_listen_socket_close', 'us_socket_local_port']) {
    const member: unknown = Reflect.get(module, name)
    if (typeof member !== 'function') return `${name} is missing`
    if (!Function.prototype.toString.call(member).includes('[native code]')) {
      return `${name} is JavaScript: a slow fallback, not the native build`
    }
  }
  return undefined
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const message = cause instanceof Error ? cause.message : String(cause)
  if (code === 'MODULE_NOT_FOUND')
    return message.includes('.node') ? 'has no binary for this Node' : 'not installed'
  // The btc-vision build wraps the reason: a general sentence first, the loader's own words last.
  return message.trim().split('\n').at(-1) ?? message
}

function advice(platform: Platform): string {
  const { os, arch, node } = platform
  const glibc = platform.glibc()
  const here = `This is Node ${node} on ${os} ${arch}${os === 'linux' ? `, glibc ${glibc ?? 'absent (musl?)'}` : ''}.`
  if (os === 'linux' && glibc === undefined)
    return `${here} Use an image with glibc, such as node:24-trixie-slim.`
  const official = 'the official build (npm install uNetworking/uWebSockets.js#<a version for this Node>)'
  if (os !== 'linux' || isAtLeast(glibc ?? '0', 2, 38)) {
    return `${here} Install @btc-vision/uwebsockets.js (Node 20, 22 and 24) or ${official}.`
  }
  return Number.parseInt(node, 10) <= 20
    ? `${here} Install @trufflesuite/uws-js-unofficial or ${official}.`
    : `${here} Take Node 20 and @trufflesuite/uws-js-unofficial, or a system with glibc 2.38, or ${official}.`
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}

function installed(): ModuleSource {
  const require = createRequire(import.meta.url)
  return {
    load: (specifier) => require(specifier),
    versionOf: (packageName) => {
      // Not by require: an exports map may hide package.json.
      for (let folder = dirname(require.resolve(packageName)); ; folder = dirname(folder)) {
        const file = join(folder, 'package.json')
        if (existsSync(file)) return String(JSON.parse(readFileSync(file, 'utf8')).version)
        if (folder === dirname(folder)) return 'unknown'
      }
    },
  }
}

function thisPlatform(): Platform {
  return {
    os: process.platform,
    arch: process.arch,
    node: process.versions.node,
    abi: process.versions.modules,
    glibc: glibcVersion,
  }
}

function glibcVersion(): string | undefined {
  const report: unknown = process.report.getReport()
  if (typeof report !== 'object' || report === null || !('header' in report)) return undefined
  const { header } = report
  if (typeof header !== 'object' || header === null || !('glibcVersionRuntime' in header)) return undefined
  return String(header.glibcVersionRuntime)
}
