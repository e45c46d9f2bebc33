// Whether lmdb's file still has all the pages that are in use, and they point to each other in a sane way.
// lmdb itself believes its file: a page that is missing or wrong can end the process, before any checksum is read.
// Data format 2 of lmdb on machines with 64 bits and little-endian numbers:
//
//   a page: u64 number at 0, u16 flags at 18, u16 end of the node offsets at 20; from 24 on u16 offsets of nodes,
//           all counted from 24
//   a node: u32 size of the data, u16 flags, u16 size of the key, key, data; in a branch the first six bytes are the
//           number of a page; with flag 1 the data is elsewhere, and instead there are u64 first page, u64, u64 pages
//   pages 0 and 1 describe the whole: magic number at 24, bytes of a page at 48, roots at 88 (free pages) and
//           136 (data), last page at 144, transaction at 152; the greater transaction counts
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ChatspecError } from '../../protocol/index.ts'

const magic = Buffer.from('dec0efbe02000000', 'hex')
const headerBytes = 24
const flagBranch = 1
const flagLeaf = 2
const flagElsewhere = 1
const noPage = 0xffff_ffff_ffff

/**
 * To be called while nobody writes.
 * @throws ChatspecError `LOG_DAMAGED`
 */
export function checkFile(file: string): void {
  const descriptor = openSync(file, 'r')
  try {
    new PageCheck(descriptor).run()
  } finally {
    closeSync(descriptor)
  }
}

class PageCheck {
  readonly #descriptor: number
  readonly #pageBytes: number
  readonly #page: Buffer
  readonly #pages: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
    const first = Buffer.alloc(headerBytes + 256)
    readSync(descriptor, first, 0, first.length, 0)
    this.#pageBytes = first.readUInt32LE(48)
    if (!magic.equals(first.subarray(24, 32)) || this.#pageBytes < 512 || this.#pageBytes > 65_536)
      throw damaged(0)
    this.#page = Buffer.alloc(this.#pageBytes)
    this.#pages = Math.floor(fstatSync(descriptor).size / this.#pageBytes)
  }

  run(): void {
    const [a, b] = [this.#meta(0), this.#meta(1)]
    const { roots } = a.transaction > b.transaction ? a : b
    const waiting = roots.filter((root) => root !== noPage)
    for (let seen = 0, next = waiting.pop(); next !== undefined; seen += 1, next = waiting.pop()) {
      // More pages than there are: they point in a circle.
      if (seen > this.#pages) throw damaged(next)
      waiting.push(...this.#children(next))
    }
  }

  #meta(number: number): { transaction: bigint; roots: number[] } {
    const page = this.#read(number)
    if (!magic.equals(page.subarray(24, 32))) throw damaged(number)
    return {
      transaction: page.readBigUInt64LE(152),
      roots: [page.readUIntLE(88, 6), page.readUIntLE(136, 6)],
    }
  }

  /** The pages that a page of a tree refers to. */
  #children(number: number): number[] {
    const page = this.#read(number)
    const kind = page.readUInt16LE(18) & (flagBranch | flagLeaf)
    const offsetsEnd = headerBytes + page.readUInt16LE(20)
    const isSane = page.readUIntLE(0, 6) === number && (kind === flagBranch || kind === flagLeaf)
    if (!isSane || offsetsEnd > this.#pageBytes) throw damaged(number)
    const children: number[] = []
    for (let at = headerBytes; at < offsetsEnd; at += 2) {
      const node = headerBytes + page.readUInt16LE(at)
      if (node < offsetsEnd || node + 8 > this.#pageBytes) throw damaged(number)
      if (kind === flagBranch) children.push(page.readUIntLE(node, 6))
      else this.#checkLeafNode(number, node)
    }
    return children
  }

  #checkLeafNode(number: number, node: number): void {
    const page = this.#page
    const data = node + 8 + page.readUInt16LE(node + 6)
    const isElsewhere = page.readUInt16LE(node + 4) === flagElsewhere
    const dataBytes = isElsewhere ? 24 : page.readUInt32LE(node)
    if (data + dataBytes > this.#pageBytes) throw damaged(number)
    if (!isElsewhere) return
    const [first, count] = [page.readUIntLE(data, 6), page.readUIntLE(data + 16, 6)]
    const isEnough = count * this.#pageBytes >= headerBytes + page.readUInt32LE(node)
    if (!isEnough || first + count > this.#pages) throw damaged(first)
  }

  #read(number: number): Buffer {
    if (number >= this.#pages) throw damaged(number)
    readSync(this.#descriptor, this.#page, 0, this.#pageBytes, number * this.#pageBytes)
    return this.#page
  }
}

function damaged(page: number): ChatspecError {
  return new ChatspecError('LOG_DAMAGED', `page ${page} of data.mdb is missing or damaged`)
}
