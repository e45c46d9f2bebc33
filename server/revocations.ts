// Tokens that were taken back before they ran out.
import { ChatspecError, type Milliseconds } from '../protocol/index.ts'
import type { Claims } from './auth.ts'
import type { RecordValue } from './log.ts'

export interface Revocations {
  isRevoked(claims: Claims): boolean
  /**
   * Every token of the user that was issued until now, or that does not say when; later ones are good.
   * `iat` counts seconds, so that a token of the same second is taken back too.
   * @throws ChatspecError `REVOCATIONS_FULL`
   */
  revokeSubject(userId: string): void
  /** @throws ChatspecError `REVOCATIONS_FULL` */
  revokeToken(tokenId: string, expiresAtMs?: Milliseconds): void
  /** Everything that is in force, to be stored. */
  toRecord(): RecordValue
  /** Adds what `toRecord` once gave; of two entries for one name the stronger wins. */
  load(record: RecordValue | undefined): void
}

/** Entries end when the tokens they name have run out; where that is not known, no token lives longer than this. */
export const maxTokenLifetimeMs = 366 * 86_400_000
/** Tokens are accepted a little past `exp`: more than the largest leeway and grace together. */
const marginMs = 120_000
/** Forgetting one would let a token in again, so that beyond this new ones are refused. */
export const maxRevocations = 100_000

export function createRevocations(now: () => Milliseconds): Revocations {
  return new RevocationSet(now)
}

class RevocationSet implements Revocations {
  readonly #now: () => Milliseconds
  readonly #subjects = new Map<string, { revokedAtMs: Milliseconds; untilMs: Milliseconds }>()
  readonly #tokens = new Map<string, Milliseconds>()

  constructor(now: () => Milliseconds) {
    this.#now = now
  }

  isRevoked({ userId, tokenId, issuedAt }: Claims): boolean {
    const subject = this.#subjects.get(userId)
    if (subject !== undefined && issuedAt <= subject.revokedAtMs) return true
    return tokenId !== undefined && this.#tokens.has(tokenId)
  }

  revokeSubject(userId: string): void {
    if (!this.#subjects.has(userId)) this.#makeRoom()
    const revokedAtMs = this.#now()
    this.#subjects.set(userId, { revokedAtMs, untilMs: revokedAtMs + maxTokenLifetimeMs })
  }

  revokeToken(tokenId: string, expiresAtMs: Milliseconds = 0): void {
    if (!this.#tokens.has(tokenId)) this.#makeRoom()
    this.#tokens.set(tokenId, expiresAtMs > 0 ? expiresAtMs + marginMs : this.#now() + maxTokenLifetimeMs)
  }

  toRecord(): RecordValue {
    return {
      subjects: [...this.#subjects].map(([name, { revokedAtMs, untilMs }]) => [name, revokedAtMs, untilMs]),
      tokens: [...this.#tokens].map(([name, untilMs]) => [name, untilMs]),
    }
  }

  load(record: RecordValue | undefined): void {
    for (const [name, revokedAtMs, untilMs] of rowsOf(record, 'subjects')) {
      if (typeof name !== 'string' || typeof revokedAtMs !== 'number' || typeof untilMs !== 'number')
        throw damaged()
      if (revokedAtMs >= (this.#subjects.get(name)?.revokedAtMs ?? 0))
        this.#subjects.set(name, { revokedAtMs, untilMs })
    }
    for (const [name, untilMs] of rowsOf(record, 'tokens')) {
      if (typeof name !== 'string' || typeof untilMs !== 'number') throw damaged()
      this.#tokens.set(name, Math.max(untilMs, this.#tokens.get(name) ?? 0))
    }
  }

  #makeRoom(): void {
    const nowMs = this.#now()
    for (const [name, { untilMs }] of this.#subjects) if (untilMs <= nowMs) this.#subjects.delete(name)
    for (const [name, untilMs] of this.#tokens) if (untilMs <= nowMs) this.#tokens.delete(name)
    if (this.#subjects.size + this.#tokens.size >= maxRevocations) {
      throw new ChatspecError(
        'REVOCATIONS_FULL',
        `${maxRevocations} revocations are in force: change the key instead`,
      )
    }
  }
}

function rowsOf(record: RecordValue | undefined, field: string): RecordValue[][] {
  if (record === undefined) return []
  const rows =
    typeof record === 'object' && record !== null && !Array.isArray(record) ? record[field] : undefined
  if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row))) throw damaged()
  return rows
}

/** Starting without them would let tokens in again. */
function damaged(): ChatspecError {
  return new ChatspecError('REVOCATIONS_DAMAGED', 'the stored revocations are not readable')
}
