// Which build of uWebSockets.js is taken, and what is said when there is none.
import { describe, expect, it } from 'vitest'
import { ChatspecError } from '../protocol/index.ts'
import { loadUws, type ModuleSource, type Platform } from './load-uws.ts'

const official = 'uWebSockets.js'
const btc = '@btc-vision/uwebsockets.js'
const truffle = '@trufflesuite/uws-js-unofficial'
const truffleBinary = `${truffle}/binaries/uws_linux_x64_115.node`

describe('loadUws', () => {
  it('loads a native build on this machine', () => {
    const { uws, build } = loadUws()
    expect(build).toMatch(/^[\w@/.-]+ 20\.\d+\.\d+/)
    let port = -1
    uws.App().listen('127.0.0.1', 0, (socket) => {
      if (socket === false) return
      port = uws.us_socket_local_port(socket)
      uws.us_listen_socket_close(socket)
    })
    expect(port).toBeGreaterThan(0)
  })

  it('prefers the official build, then btc-vision, then truffle', () => {
    const source = fake({ [official]: native(), [btc]: native(), [truffleBinary]: native() })
    expect(loadUws(source, debian12).build).toBe('uWebSockets.js 20.1.0')
    expect(source.loaded).toEqual([official])
    expect(loadUws(fake({ [btc]: native(), [truffleBinary]: native() }), debian12).build).toBe(
      `${btc} 20.1.0`,
    )
    expect(loadUws(fake({ [truffleBinary]: native() }), debian12).build).toBe(`${truffle} 20.1.0`)
  })

  it('never runs the main file of the truffle package, which may fall back to JavaScript', () => {
    const source = fake({ [truffle]: native(), [truffleBinary]: native() })
    loadUws(source, debian12)
    expect(source.loaded).not.toContain(truffle)
  })

  it('takes the next build when one does not load', () => {
    const source = fake({
      [btc]: new Error(`only Node 20\n\nError: ${glibcMissing}`),
      [truffleBinary]: native(),
    })
    expect(loadUws(source, debian12).build).toBe(`${truffle} 20.1.0`)
  })

  it('refuses a JavaScript copy of the library under any name', () => {
    const copy = { ...native(), App: () => ({}) }
    const message = refusal(fake({ [official]: copy }), debian12)
    expect(message).toContain(
      'uWebSockets.js 20.1.0: App is JavaScript: a slow fallback, not the native build',
    )
  })

  it('refuses a module that lacks a function', () => {
    const { SSLApp: _, ...rest } = native()
    expect(refusal(fake({ [official]: rest }), debian12)).toContain('SSLApp is missing')
    expect(refusal(fake({ [official]: null }), debian12)).toContain('not a module object')
  })

  it('says why each build did not load', () => {
    const source = fake({
      [btc]: new Error(`only Node 20\n\nError: ${glibcMissing}`),
      [truffle]: native(),
      [truffleBinary]: Object.assign(new Error(`Cannot find module '${truffleBinary}'`), {
        code: 'MODULE_NOT_FOUND',
      }),
    })
    expect(refusal(source, debian12).split('\n').slice(2)).toEqual([
      `${official}: not installed`,
      `${btc}: Error: ${glibcMissing}`,
      `${truffle}: has no binary for this Node`,
    ])
  })

  const advices: [where: string, platform: Platform, advice: RegExp][] = [
    [
      'Node 20 and an older glibc',
      platform('20.20.2', '2.36'),
      /Install @trufflesuite\/uws-js-unofficial or/,
    ],
    ['Node 22 and an older glibc', platform('22.1.0', '2.36'), /Take Node 20 and @trufflesuite.*glibc 2\.38/],
    ['Node 24 and a newer glibc', platform('24.0.0', '2.41'), /Install @btc-vision\/uwebsockets\.js/],
    ['a glibc of the next major version', platform('24.0.0', '3.0'), /Install @btc-vision\/uwebsockets\.js/],
    ['a system without glibc', platform('20.20.2', undefined), /Use an image with glibc/],
    ['macOS', { ...platform('22.1.0', undefined), os: 'darwin' }, /Install @btc-vision\/uwebsockets\.js/],
  ]
  it.each(advices)('advises what to install on %s', (_where, where, advice) => {
    const line = refusal(fake({}), where).split('\n')[1]
    expect(line).toMatch(advice)
    expect(line).toContain(`Node ${where.node}`)
  })
})

const glibcMissing = "libc.so.6: version `GLIBC_2.38' not found"
const debian12 = platform('20.20.2', '2.36')

function platform(node: string, glibc: string | undefined): Platform {
  return { os: 'linux', arch: 'x64', node, abi: '115', glibc: () => glibc }
}

/** Bound functions print as native code, like those of an addon. */
function native() {
  const callable = (() => undefined).bind(null)
  return { App: callable, SSLApp: callable, us_listen_socket_close: callable, us_socket_local_port: callable }
}

/** An `Error` as value is thrown on loading. */
function fake(modules: Record<string, unknown>): ModuleSource & { loaded: string[] } {
  const loaded: string[] = []
  const missing = () => Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })
  return {
    loaded,
    load: (specifier) => {
      loaded.push(specifier)
      if (!(specifier in modules)) throw missing()
      if (modules[specifier] instanceof Error) throw modules[specifier]
      return modules[specifier]
    },
    versionOf: (name) => {
      if (!Object.keys(modules).some((specifier) => specifier.startsWith(name))) throw missing()
      return '20.1.0'
    },
  }
}

function refusal(source: ModuleSource, where: Platform): string {
  try {
    loadUws(source, where)
  } catch (cause) {
    if (cause instanceof ChatspecError && cause.code === 'UWS_MISSING') return cause.message
    throw cause
  }
  throw new Error('a build was loaded')
}
