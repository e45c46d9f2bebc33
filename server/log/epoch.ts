// The name of one numbering: a new one says that seqs of before mean nothing any more.
import { randomInt } from 'node:crypto'

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

export function newEpoch(): string {
  let epoch = ''
  for (let i = 0; i < 8; i += 1) epoch += alphabet[randomInt(alphabet.length)]
  return epoch
}
