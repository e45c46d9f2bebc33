// Names of sessions, for the logs: knowing one grants nothing.
import { randomFillSync } from 'node:crypto'

/** 96 bits: with a billion sessions, two of one name are as likely as one in a hundred billion. */
const idBytes = 12
const idsPerDraw = 256

/** Random bytes are drawn for many at once: a storm of connections asks for one each. */
export function createSessionIds(): () => string {
  const drawn = Buffer.alloc(idBytes * idsPerDraw)
  let at = drawn.length
  return () => {
    if (at === drawn.length) {
      randomFillSync(drawn)
      at = 0
    }
    at += idBytes
    return drawn.toString('base64url', at - idBytes, at)
  }
}
