// The import arrows of the whole tree, and proof that the checker finds planted violations.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from './build.ts'
import { importsOf, layerFolders, violations } from './layers.ts'

describe('the tree', () => {
  it('has imports that only point the way they may', () => {
    const files = readTree()
    expect(files.size).toBeGreaterThan(0)
    expect(violations(files)).toEqual([])
  })
})

describe('violations', () => {
  const planted: [what: string, path: string, text: string, complaint: RegExp][] = [
    [
      'server imports client',
      'server/a.ts',
      "import { a } from '../client/index.ts'",
      /server may import protocol$/,
    ],
    [
      'client imports server',
      'client/a.ts',
      "import { a } from '../server/index.ts'",
      /client may import protocol$/,
    ],
    [
      'conformance imports server',
      'conformance/cases/a.ts',
      "import '../../server/index.ts'",
      /conformance may import/,
    ],
    [
      'conformance imports client',
      'conformance/a.ts',
      "export * from '../client/index.ts'",
      /conformance may import/,
    ],
    [
      'conformance loads server late',
      'conformance/a.ts',
      "await import('../server/index.ts')",
      /conformance may import/,
    ],
    [
      'protocol imports a folder',
      'protocol/a.ts',
      "import type { A } from '../server/index.ts'",
      /may import nothing/,
    ],
    ['protocol imports Node', 'protocol/a.ts', "import { Buffer } from 'node:buffer'", /protocol is pure/],
    ['the checker imports a package', 'conformance/checker/a.ts', "import ws from 'ws'", /checker is pure/],
    [
      'a folder is entered by a side door',
      'server/a.ts',
      "import { a } from '../protocol/json.ts'",
      /only by its index/,
    ],
    [
      'reports loads code',
      'reports/a.ts',
      "import { r } from '../conformance/result.ts'",
      /only `import type`/,
    ],
    [
      'reports loads code beside a type',
      'reports/a.ts',
      "import { type R } from '../conformance/result.ts'",
      /only `import/,
    ],
    [
      'reports imports another file',
      'reports/a.ts',
      "import type { R } from '../conformance/run.ts'",
      /reports may import/,
    ],
    [
      'loadtest enters all of conformance',
      'loadtest/a.ts',
      "import '../conformance/index.ts'",
      /loadtest may import/,
    ],
    [
      'loadtest passes the checker’s door',
      'loadtest/a.ts',
      "import '../conformance/checker/h1.ts'",
      /loadtest may import/,
    ],
    [
      'bench imports client',
      'bench/a.ts',
      "import '../client/index.ts'",
      /bench may import protocol, server/,
    ],
    ['code imports a test', 'server/a.ts', "import './a.test.ts'", /only for tests/],
    ['code imports testing', 'server/a.ts', "import '../protocol/testing/arbitraries.ts'", /only for tests/],
    ['code imports tools', 'cli/a.ts', "import '../tools/build.ts'", /only for tests/],
    ['a specifier has no .ts', 'server/a.ts', "import './log.js'", /ends in \.ts/],
    ['the package imports itself by name', 'client/a.ts', "import 'chatspec/server'", /relative specifiers/],
    ['an unknown folder takes part', 'extra/a.ts', "import '../protocol/index.ts'", /extra is no layer/],
    [
      'an import spans lines',
      'server/a.ts',
      "import {\n  a,\n  b,\n} from '../client/index.ts'",
      /server may import/,
    ],
  ]
  it.each(planted)('are found where %s', (_what, path, text, complaint) => {
    const found = violations(new Map([[path, text]]))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(complaint)
    expect(found[0]).toContain(path)
  })

  const allowed: [what: string, path: string, text: string][] = [
    ['server imports protocol', 'server/handlers/a.ts', "import { a } from '../../protocol/index.ts'"],
    ['a folder imports itself', 'server/handlers/a.ts', "import { a } from '../log.ts'"],
    [
      'reports imports a result type',
      'reports/html/a.ts',
      "import type { R } from '../../conformance/result.ts'",
    ],
    ['loadtest imports the checker', 'loadtest/a.ts', "import '../conformance/checker/index.ts'"],
    [
      'cli imports everything',
      'cli/a.ts',
      layerFolders.map((name) => `import '../${name}/index.ts'`).join('\n'),
    ],
    ['server imports packages', 'server/a.ts', "import pino from 'pino'\nimport 'node:fs'"],
    ['a test imports what it likes', 'server/a.test.ts', "import '../client/session.ts'"],
    ['a bench imports what it likes', 'bench/a.bench.ts', "import '../client/session.ts'"],
    ['testing imports what it likes', 'protocol/testing/a.ts', "import fc from 'fast-check'"],
    ['a line comment talks of an import', 'protocol/a.ts', "// await import('node:fs')"],
    ['a block comment talks of an import', 'protocol/a.ts', "/*\nimport './x.js'\n*/"],
  ]
  it.each(allowed)('are none where %s', (_what, path, text) => {
    expect(violations(new Map([[path, text]]))).toEqual([])
  })
})

describe('importsOf', () => {
  it('sees every form of import', () => {
    const text = [
      "import './a.ts'",
      "import b from './b.ts'",
      "import type { C } from './c.ts'",
      "import { d, type D } from './d.ts'",
      "export * from './e.ts'",
      "export type { F } from './f.ts'",
      "const g = await import('./g.ts')",
      "let h: typeof import('./h.ts')",
      "import * as i from './i.ts'",
      "export const text = 'from'",
      "const words = 'import x from y'",
    ].join('\n')
    const seen = importsOf(text).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`)
    expect(seen.sort()).toEqual(
      './a.ts|./b.ts|./c.ts type|./d.ts|./e.ts|./f.ts type|./g.ts|./h.ts type|./i.ts'.split('|'),
    )
  })
})

function readTree(): Map<string, string> {
  const files = new Map<string, string>()
  for (const folder of layerFolders
    .map((name) => join(projectRoot, name))
    .filter((path) => existsSync(path))) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
      const path = join(entry.parentPath, entry.name)
      files.set(relative(projectRoot, path).split(sep).join('/'), readFileSync(path, 'utf8'))
    }
  }
  return files
}
