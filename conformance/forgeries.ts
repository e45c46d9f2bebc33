// Tokens that nobody should believe, and claims of any shape, all made without the secret of the server.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Claims, flippedToken, unsignedToken } from './tokens.ts'

/** One claim that replaces the usual one; undefined leaves it out. */
export function claim(name: string, value: unknown): Claims {
  return Object.defineProperty({}, name, { value, enumerable: true })
}

/** What the claims of a token say. */
export function readClaims(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

/** One forgery of each kind, with the claims of a good token. */
export function forgeries(token: string): Record<string, string> {
  return {
    'one bit of the signature': flippedToken(token, 'signature'),
    'one bit of the claims': flippedToken(token, 'claims', 9),
    'algorithm none': unsignedToken(token),
    'no signature': withoutSignature(token),
    'no token at all': 'forged',
    ...tokensWithOwnKeys(token),
  }
}

export function withoutSignature(token: string): string {
  return token.slice(0, token.lastIndexOf('.') + 1)
}

/** The claims of a good token under keys of the forger, which the header offers as if they were the server's. */
export function tokensWithOwnKeys(token: string): Record<string, string> {
  const claims = token.split('.')[1] ?? ''
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ed = generateKeyPairSync('ed25519')
  const secret = 'a secret of the forger, long enough for HMAC'
  const jwk = { kty: 'oct', k: Buffer.from(secret).toString('base64url') }
  const hmac = (alg: string, hash: string, key: string, header: object = {}): string =>
    assemble({ alg, typ: 'JWT', ...header }, claims, (signed) =>
      createHmac(hash, key).update(signed).digest(),
    )
  return {
    'HS256 with a secret in the header': hmac('HS256', 'sha256', secret, { jwk }),
    'HS384 with a secret in the header': hmac('HS384', 'sha384', secret, { jwk }),
    'HS512 with a secret in the header': hmac('HS512', 'sha512', secret, { jwk }),
    'HS256 with an empty secret': hmac('HS256', 'sha256', ''),
    'HS256 with an empty file as key': hmac('HS256', 'sha256', '', { kid: '/dev/null' }),
    'RS256 that is an HMAC': hmac('RS256', 'sha256', secret),
    'HS256 with a public key': hmac('HS256', 'sha256', pem(ec.publicKey), { jwk: exported(ec.publicKey) }),
    'ES256 with its key in the header': assemble(
      { alg: 'ES256', typ: 'JWT', jwk: exported(ec.publicKey) },
      claims,
      (signed) => sign('sha256', Buffer.from(signed), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
    ),
    'EdDSA with its key in the header': assemble(
      { alg: 'EdDSA', typ: 'JWT', jwk: exported(ed.publicKey) },
      claims,
      (signed) => sign(null, Buffer.from(signed), ed.privateKey),
    ),
  }
}

function assemble(header: object, claims: string, signature: (signed: string) => Buffer): string {
  const signed = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}`
  return `${signed}.${signature(signed).toString('base64url')}`
}

function exported(key: KeyObject): object {
  return key.export({ format: 'jwk' })
}

function pem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString()
}
