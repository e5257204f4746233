import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'

/**
 * The token in `/recordings/{token}`: which recording, until when, and a proof that we wrote it.
 * Readable to whoever holds it, so it holds ids and times only; unforgeable without SECRETS_KEY.
 */
export interface RecordingLink {
  readonly sourceId: string
  /** The provider's id of the call. */
  readonly providerCallId: string
  /** Milliseconds since 1970, to the second. */
  readonly issuedAt: number
  /** Milliseconds since 1970, to the second. */
  readonly expiresAt: number
}

export interface RecordingLinks {
  sign(link: RecordingLink): string
  /** Null for everything that we did not sign. Says nothing of whether it has expired. */
  read(token: string): RecordingLink | null
}

/** Longer than any token of ours: what is longer is not even hashed. */
const TOKEN_LENGTH_MAX = 400

const content = z.tuple([z.string(), z.string(), z.int(), z.int()])

/** The first key signs; all of them are accepted, so that links outlive a change of SECRETS_KEY. */
export function createRecordingLinks(keys: readonly Buffer[]): RecordingLinks {
  const [current] = keys
  if (current === undefined) throw new Error('links cannot be signed without a key')
  return {
    sign({ sourceId, providerCallId, issuedAt, expiresAt }) {
      const told = [sourceId, providerCallId, seconds(issuedAt), seconds(expiresAt)]
      const body = Buffer.from(JSON.stringify(told)).toString('base64url')
      return `${body}.${proofOf(body, current)}`
    },
    read(token) {
      if (token.length > TOKEN_LENGTH_MAX) return null
      const [body = '', proof = '', ...rest] = token.split('.')
      // Every key is compared, whichever fits, so that the time tells nothing.
      const fitting = keys.filter((key) => isEqual(proof, proofOf(body, key)))
      if (rest.length > 0 || fitting.length === 0) return null
      const told: unknown = JSON.parse(Buffer.from(body, 'base64url').toString())
      const [sourceId, providerCallId, issued, expires] = content.parse(told)
      return { sourceId, providerCallId, issuedAt: issued * 1_000, expiresAt: expires * 1_000 }
    },
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

function proofOf(body: string, key: Buffer): string {
  return createHmac('sha256', key).update(body).digest('base64url')
}

/** As texts: base64 has several spellings of the same bytes, and only ours is taken. */
function isEqual(told: string, expected: string): boolean {
  const [a, b] = [Buffer.from(told), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
