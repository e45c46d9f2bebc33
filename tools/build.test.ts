// The build: this tree compiles, and a small tree of our own shows each of its steps.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { build } from './build.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chatspec-build-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('build', () => {
  it('compiles this tree', () => {
    expect(inject('buildFailure')).toBe('')
  })

  it('rewrites .ts specifiers, so that Node runs the command', async () => {
    write(smallTree)
    await build(root)
    expect(execFileSync(join(root, 'dist/cli/main.js'), { encoding: 'utf8' })).toBe('two\n')
    expect(statSync(join(root, 'dist/cli/main.js')).mode & 0o111).toBe(0o111)
  })

  it('bundles the page into one minified file without a source map', async () => {
    write(smallTree)
    await build(root)
    const page = readFileSync(join(root, 'dist/client/page/page.js'), 'utf8')
    expect(page).toContain('"two"')
    expect(page).not.toMatch(/import|sourceMappingURL/)
  })

  it('copies assets but neither compiler settings nor what is for tests', async () => {
    write(smallTree)
    await build(root)
    expect(readFileSync(join(root, 'dist/client/page/index.html'), 'utf8')).toBe('<p>')
    expect(existsSync(join(root, 'dist/reports/html/report.css'))).toBe(true)
    expect(existsSync(join(root, 'dist/server/tsconfig.json'))).toBe(false)
    expect(existsSync(join(root, 'dist/server/testing'))).toBe(false)
    expect(existsSync(join(root, 'dist/reports/published'))).toBe(false)
  })

  it('replaces an older dist and leaves nothing else behind', async () => {
    write({ ...smallTree, 'dist/old.js': '' })
    await build(root)
    expect(existsSync(join(root, 'dist/old.js'))).toBe(false)
    expect(execFileSync('ls', [join(root, 'out')], { encoding: 'utf8' })).toBe('')
  })

  it('copes with a tree that has neither page nor command yet', async () => {
    write({ 'tsconfig.build.json': settings, 'protocol/index.ts': 'export const one = 1\n' })
    await build(root)
    expect(existsSync(join(root, 'dist/protocol/index.js'))).toBe(true)
  })

  it('fails on a compile error and quotes it', async () => {
    write({ ...smallTree, 'protocol/index.ts': 'export const two: number = "two"\n' })
    await expect(build(root)).rejects.toThrow(/protocol.index\.ts.*TS2322/)
  })

  it('fails on a page that cannot be bundled', async () => {
    write({ ...smallTree, 'client/page/page.ts': "import './absent.ts'\n" })
    await expect(build(root)).rejects.toThrow(/absent/)
  })
})

const settings = JSON.stringify({
  compilerOptions: {
    rootDir: '.',
    target: 'ES2023',
    lib: ['ES2023', 'DOM'],
    types: [],
    module: 'NodeNext',
    rewriteRelativeImportExtensions: true,
  },
  include: ['protocol/**/*.ts', 'cli/**/*.ts'],
})

const smallTree = {
  'package.json': '{"type":"module"}',
  'tsconfig.build.json': settings,
  'protocol/index.ts': "export const two = 'two'\n",
  'cli/main.ts': "#!/usr/bin/env node\nimport { two } from '../protocol/index.ts'\nconsole.log(two)\n",
  'client/page/page.ts': "import { two } from '../../protocol/index.ts'\ndocument.title = two\n",
  'client/page/index.html': '<p>',
  'reports/html/report.css': 'p {}',
  'reports/published/run.json': '{}',
  'server/tsconfig.json': '{}',
  'server/testing/key.json': '{}',
}

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}
