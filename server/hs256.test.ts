// The signature check for a secret, held against another library. Forgeries one by one: auth.test.ts.
import fc from 'fast-check'
import { compactVerify } from 'jose'
import { expect, it } from 'vitest'
import { createHs256Check } from './hs256.ts'
import { forge, hmac, type Json } from './testing/forge.ts'

const secret = 'a secret of enough characters, 32+'
const good = { alg: 'HS256', typ: 'JWT' }
const check = createHs256Check(secret)

it('gives what was signed', () => {
  const header = { ...good, kid: 'key 1' }
  const payload = { sub: 'alice', name: 'Ünï ☃ 😀', list: [1, null] }
  expect(check(forge(header, payload, hmac(secret)))).toEqual({ header, payload })
})

it('takes a secret that is longer than a block of the hash, or not ASCII', () => {
  for (const other of ['x'.repeat(200), 'Geheimnis mit äöü und ☃, mehr als 32 Zeichen']) {
    expect(createHs256Check(other)(forge(good, { sub: 'alice' }, hmac(other)))).toBeDefined()
    expect(createHs256Check(other)(forge(good, { sub: 'alice' }, hmac(secret)))).toBeUndefined()
  }
})

it('judges each header by itself, whichever came before', () => {
  const accepts = (header: Json): boolean =>
    check(forge(header, { sub: 'alice' }, hmac(secret))) !== undefined
  const headers = [good, { alg: 'HS512' }, { alg: 'none' }, good, { typ: 'JWT' }, { ...good, kid: 'b' }, good]
  expect(headers.map(accepts)).toEqual([true, false, false, true, false, true, true])
})

it('gives the header that belongs to the token, whichever came before', () => {
  for (const kid of ['a', 'b', 'a', 'a']) {
    expect(check(forge({ ...good, kid }, {}, hmac(secret)))?.header).toEqual({ ...good, kid })
  }
})

it('accepts the tokens that jose accepts, and of those that were changed none that jose refuses', async () => {
  const character = fc.constantFrom(...'ABYZabyz0189-_.=+/ \n', 'é', '☃')
  const change = fc.record({
    at: fc.nat(),
    with: fc.string({ unit: character, maxLength: 2 }),
    cut: fc.nat(2),
  })
  const alg = fc.constantFrom('HS256', 'HS256', 'HS256', 'HS384', 'none', 'hs256', '')
  const key = fc.constantFrom(secret, secret, secret, `${secret} `, '')
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(
      alg,
      fc.object(),
      key,
      fc.option(change),
      async (algorithm, payload, signedWith, edit) => {
        const token = forge({ alg: algorithm }, payload, hmac(signedWith))
        const at = (edit?.at ?? 0) % token.length
        const arrived = edit === null ? token : token.slice(0, at) + edit.with + token.slice(at + edit.cut)
        const isAccepted = accepts(arrived)
        if (isAccepted) accepted += 1
        // jose passes over white space in a signature.
        if (isAccepted || edit === null) expect(isAccepted).toBe(await joseAccepts(arrived))
      },
    ),
    { numRuns: 2_000 },
  )
  expect(accepted).toBeGreaterThan(100)
})

function accepts(token: string): boolean {
  try {
    return check(token) !== undefined
  } catch {
    return false
  }
}

async function joseAccepts(token: string): Promise<boolean> {
  try {
    await compactVerify(token, Buffer.from(secret), { algorithms: ['HS256'] })
    return true
  } catch {
    return false
  }
}
