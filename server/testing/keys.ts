// Key pairs and JWK sets for tests of tokens.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { forge, type Json, signature } from './forge.ts'

export const startMs = 1_790_000_000_000
export const alice = { sub: 'alice', exp: startMs / 1000 + 3_600 }

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const ed = generateKeyPairSync('ed25519')
/** The set that most tests start from. */
export const allKeys = [
  jwkOf(rsa.publicKey, 'rsa-1'),
  jwkOf(ec.publicKey, 'ec-1'),
  jwkOf(ed.publicKey, 'ed-1'),
]

export function jwkOf(key: KeyObject, kid?: string): Json {
  const jwk = createPublicKey(key.export({ type: 'spki', format: 'pem' })).export({ format: 'jwk' })
  return kid === undefined ? { ...jwk } : { ...jwk, kid }
}

/** Alice's token, signed with the Ed25519 key of the set. */
export function edToken(header: Json = { kid: 'ed-1' }): string {
  return forge({ alg: 'EdDSA', ...header }, alice, signature('EdDSA', ed.privateKey))
}
