// Builds dist: compiles the package, bundles the chat page, copies what the code reads at run time.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build as bundle } from 'esbuild'

/** The checkout that this file belongs to. */
export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Folders whose code may read files that lie beside it; `protocol` ships its data files itself. */
const assetFolders = ['client', 'server', 'conformance', 'reports', 'cli']
const assetExtensions = new Set(['.html', '.css', '.svg', '.json'])
const notShipped = new Set(['testing', 'published'])

/**
 * Replaces `dist` under `root`. A tree that does not compile still leaves what the compiler could emit.
 * @throws Error that carries the output of the compiler or the bundler.
 */
export async function build(root: string): Promise<void> {
  // Built aside and renamed, so that a process that runs from dist meanwhile never sees half of it.
  const staging = join(root, 'out', `build-${process.pid}`)
  const replaced = `${staging}-replaced`
  const failures: string[] = []
  try {
    await rm(staging, { recursive: true, force: true })
    await mkdir(staging, { recursive: true })
    failures.push(...(await compile(root, staging)), ...(await bundlePage(root, staging)))
    await copyAssets(root, staging)
    const command = join(staging, 'cli', 'main.js')
    if (existsSync(command)) await chmod(command, 0o755)
    await swap({ fresh: staging, live: join(root, 'dist'), replaced })
  } finally {
    for (const path of [staging, replaced]) await rm(path, { recursive: true, force: true })
  }
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

/** Two test runs in one checkout may both get here: whoever finds the place taken clears it and tries again. */
async function swap(paths: { fresh: string; live: string; replaced: string }): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await rm(paths.replaced, { recursive: true, force: true })
    if (existsSync(paths.live)) await rename(paths.live, paths.replaced).catch(() => {})
    try {
      return await rename(paths.fresh, paths.live)
    } catch (cause) {
      if (attempt === 10) throw cause
    }
  }
}

async function compile(root: string, target: string): Promise<string[]> {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin',
    'tsc',
  )
  const flags = [compiler, '-p', 'tsconfig.build.json', '--outDir', target]
  try {
    await promisify(execFile)(process.execPath, flags, { cwd: root, maxBuffer: 16_777_216 })
    return []
  } catch (cause) {
    return [
      cause instanceof Error && 'stdout' in cause && cause.stdout ? String(cause.stdout) : String(cause),
    ]
  }
}

async function bundlePage(root: string, target: string): Promise<string[]> {
  const page = join(root, 'client', 'page', 'page.ts')
  if (!existsSync(page)) return []
  try {
    await bundle({
      entryPoints: [page],
      outfile: join(target, 'client', 'page', 'page.js'),
      bundle: true,
      minify: true,
      sourcemap: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'silent',
    })
    return []
  } catch (cause) {
    return [String(cause)]
  }
}

async function copyAssets(root: string, target: string): Promise<void> {
  for (const folder of assetFolders.filter((name) => existsSync(join(root, name)))) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const from = join(entry.parentPath, entry.name)
      const path = from.slice(root.length + 1)
      if (!entry.isFile() || !assetExtensions.has(extname(path))) continue
      if (entry.name === 'tsconfig.json' || path.split(sep).some((part) => notShipped.has(part))) continue
      await mkdir(dirname(join(target, path)), { recursive: true })
      await copyFile(from, join(target, path))
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build(projectRoot).catch((cause: unknown) => {
    console.error(cause instanceof Error ? cause.message : cause)
    process.exitCode = 1
  })
}
