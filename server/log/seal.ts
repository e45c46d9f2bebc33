// Commits, chunks and id blocks say themselves whether they are whole: each begins with a checksum.
//
//   0  u32  CRC-32 of everything after these four bytes
//   4  u32  version of the format
//   8  u32  number of records or ids
//  12  u32  length in bytes, this header included
import { crc32 } from 'node:zlib'
import { format } from './layout.ts'

export const headerBytes = 16

/** Fills in the header of `bytes`, whose contents are complete. */
export function seal(bytes: Buffer, count: number): Buffer {
  bytes.writeUInt32LE(format, 4)
  bytes.writeUInt32LE(count, 8)
  bytes.writeUInt32LE(bytes.length, 12)
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
  return bytes
}

/** Whether these are the bytes that were sealed. */
export function isWhole(bytes: Buffer): boolean {
  return (
    bytes.length >= headerBytes &&
    bytes.readUInt32LE(4) === format &&
    bytes.readUInt32LE(12) === bytes.length &&
    bytes.readUInt32LE(0) === crc32(bytes.subarray(4))
  )
}

export function sealedCount(bytes: Buffer): number {
  return bytes.readUInt32LE(8)
}
