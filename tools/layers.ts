// Imports point one way: which folder may import what, as a function over the text of all files.

interface Layer {
  /** Other folders that it may enter, by their index.ts. */
  folders: readonly string[]
  /** Single files of other folders that it may import, only with `import type`. */
  typesOf?: readonly string[]
  /** Also entered by an index.ts of their own. */
  parts?: readonly string[]
}

const layers: Readonly<Record<string, Layer>> = {
  protocol: { folders: [] },
  client: { folders: ['protocol'] },
  server: { folders: ['protocol'] },
  conformance: { folders: ['protocol'] },
  loadtest: { folders: ['protocol', 'client'], parts: ['conformance/checker'] },
  bench: { folders: ['protocol', 'server'] },
  reports: { folders: [], typesOf: ['conformance/result.ts', 'loadtest/result.ts', 'bench/result.ts'] },
  cli: {
    folders: ['protocol', 'client', 'server', 'conformance', 'loadtest', 'bench', 'reports'],
    parts: ['conformance/checker'],
  },
}

export const layerFolders: readonly string[] = Object.keys(layers)

/** They also run inside k6 or a browser, so they import neither packages nor Node. */
const pureFolders = ['protocol', 'conformance/checker']

export interface Import {
  specifier: string
  typeOnly: boolean
}

/** One line per import that points the wrong way; `files` maps paths like `server/log.ts` to their text. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  for (const [path, text] of files) {
    if (isExempt(path)) continue
    for (const one of importsOf(text)) {
      const complaint = one.specifier.startsWith('.') ? judgeRelative(path, one) : judgePackage(path, one)
      if (complaint) found.push(`${path} imports ${one.specifier}: ${complaint}`)
    }
  }
  return found
}

/** Tests and benches put together what production code must keep apart. */
function isExempt(path: string): boolean {
  return /\.(test|bench|contract)\.ts$/.test(path) || /(^|\/)(testing|tools)\//.test(path)
}

function judgeRelative(path: string, { specifier, typeOnly }: Import): string | undefined {
  if (!specifier.endsWith('.ts')) return 'a relative specifier ends in .ts'
  const from = folderOf(path)
  const target = resolve(path, specifier)
  const to = folderOf(target)
  if (isExempt(target)) return 'production code never imports what is only for tests'
  if (from === to) return undefined
  const layer = layers[from]
  if (!layer) return `${from} is no layer`
  if (layer.typesOf?.includes(target)) return typeOnly ? undefined : 'only `import type` is allowed here'
  if ((layer.parts ?? []).some((part) => target === `${part}/index.ts`)) return undefined
  if (!layer.folders.includes(to)) return `${from} may import ${allowedTo(layer)}`
  return target === `${to}/index.ts` ? undefined : `${to} is entered only by its index.ts`
}

function judgePackage(path: string, { specifier }: Import): string | undefined {
  if (specifier.startsWith('chatspec/')) return 'inside the project, files are named by relative specifiers'
  const pure = pureFolders.find((folder) => path.startsWith(`${folder}/`))
  return pure ? `${pure} is pure: neither packages nor Node` : undefined
}

function allowedTo(layer: Layer): string {
  const types = (layer.typesOf ?? []).map((file) => `types of ${file}`)
  return [...layer.folders, ...(layer.parts ?? []), ...types].join(', ') || 'nothing'
}

/** Every static and dynamic import and re-export; `import { type A }` still loads the module, so it is no type import. */
export function importsOf(text: string): Import[] {
  const code = text.replace(/^\s*\/\*[\s\S]*?\*\//gm, '').replace(/^\s*\/\/.*$/gm, '')
  const statics = /^\s*(?:import|export)\s+(type\s+)?(?:[\w$*{][^'"`;=]*?\sfrom\s+)?['"]([^'"\n]+)['"]/gm
  const dynamics = /(typeof\s+)?\bimport\(\s*['"]([^'"\n]+)['"]/g
  return [...code.matchAll(statics), ...code.matchAll(dynamics)].map(([, type, specifier = '']) => ({
    specifier,
    typeOnly: type !== undefined,
  }))
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function resolve(path: string, specifier: string): string {
  const parts = path.split('/').slice(0, -1)
  for (const step of specifier.split('/')) {
    if (step === '..') parts.pop()
    else if (step !== '.') parts.push(step)
  }
  return parts.join('/')
}
