// Tokens put together by hand, right and wrong: what no library would sign.
import { createHmac, type KeyObject, sign as signBytes } from 'node:crypto'

export type Json = Record<string, unknown>

/** A token from any header and payload; `sign` gets the input of the signature. */
export function forge(
  header: Json | string,
  payload: Json | string,
  sign: (input: string) => Buffer,
): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${sign(input).toString('base64url')}`
}

export function hmac(key: string, hash = 'sha256'): (input: string) => Buffer {
  return (input) => createHmac(hash, key).update(input).digest()
}

/** The signature that the algorithm asks for. */
export function signature(algorithm: 'RS256' | 'ES256' | 'EdDSA', key: KeyObject): (input: string) => Buffer {
  return (input) => {
    const bytes = Buffer.from(input)
    if (algorithm === 'EdDSA') return signBytes(null, bytes, key)
    return signBytes('sha256', bytes, algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key)
  }
}

export function none(): Buffer {
  return Buffer.alloc(0)
}

/** A string is taken as it is: not every payload is JSON. */
export function encode(part: Json | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}
