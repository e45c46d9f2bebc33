// Records in memory: a tree with one level per key component, so that a prefix is found without a search.
import type { RecordKey, RecordValue } from '../log.ts'

/** Values are kept as JSON text: what comes out shares nothing with what went in. */
interface Node {
  json?: string | undefined
  children: Map<string, Node>
}

export class RecordTree {
  readonly #root: Node = { children: new Map() }

  get(key: RecordKey): RecordValue | undefined {
    const json = this.#find(key)?.json
    return json === undefined ? undefined : (JSON.parse(json) as RecordValue)
  }

  set(key: RecordKey, json: string): void {
    let node = this.#root
    for (const component of key) {
      let child = node.children.get(component)
      if (child === undefined) {
        child = { children: new Map() }
        node.children.set(component, child)
      }
      node = child
    }
    node.json = json
  }

  delete(key: RecordKey): void {
    const path: Node[] = [this.#root]
    for (const component of key) {
      const child = path.at(-1)?.children.get(component)
      if (child === undefined) return
      path.push(child)
    }
    const last = path.at(-1)
    if (last !== undefined) last.json = undefined
    for (let depth = key.length; depth > 0; depth -= 1) {
      const node = path[depth]
      if (node === undefined || node.json !== undefined || node.children.size > 0) return
      path[depth - 1]?.children.delete(key[depth - 1] ?? '')
    }
  }

  /** Records whose keys continue `prefix`, in the order of their components' bytes. */
  list(prefix: RecordKey): (readonly [RecordKey, RecordValue])[] {
    const found: (readonly [RecordKey, RecordValue])[] = []
    const start = this.#find(prefix)
    if (start !== undefined) collect(start, prefix, found)
    return found
  }

  #find(key: RecordKey): Node | undefined {
    let node: Node | undefined = this.#root
    for (const component of key) node = node?.children.get(component)
    return node
  }
}

function collect(node: Node, key: RecordKey, found: (readonly [RecordKey, RecordValue])[]): void {
  const components = [...node.children.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const component of components) {
    const child = node.children.get(component)
    if (child === undefined) continue
    const childKey = [...key, component]
    if (child.json !== undefined) found.push([childKey, JSON.parse(child.json) as RecordValue])
    collect(child, childKey, found)
  }
}
