// Buffer's native UTF-8 routines for the CBOR codec.
import { plainUtf8, type Utf8 } from '../protocol/index.ts'

// Not in Node's documentation, but on every Buffer, and they need no view around the bytes.
interface NativeUtf8 {
  utf8Slice(this: Uint8Array, start: number, end: number): string
  utf8Write(this: Uint8Array, text: string, at: number): number
}
const { utf8Slice, utf8Write }: NativeUtf8 = Buffer.prototype as Buffer & NativeUtf8

/** What Node puts in place of bytes that are not UTF-8. */
const replacement = /\ufffd/

export const nodeUtf8: Utf8 = {
  decode(bytes, start, end) {
    const text = utf8Slice.call(bytes, start, end)
    // The character may also have been sent as such: only a second reading tells.
    return replacement.test(text) ? plainUtf8.decode(bytes, start, end) : text
  },
  byteLength: (text) => Buffer.byteLength(text),
  write: (text, into, at) => utf8Write.call(into, text, at),
}
