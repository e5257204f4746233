import { z } from 'zod'
import { createSigner } from '../../shared/signer.ts'

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
  const signer = createSigner(keys)
  return {
    sign({ sourceId, providerCallId, issuedAt, expiresAt }) {
      const told = [sourceId, providerCallId, seconds(issuedAt), seconds(expiresAt)]
      return signer.sign(Buffer.from(JSON.stringify(told)).toString('base64url'))
    },
    read(token) {
      if (token.length > TOKEN_LENGTH_MAX) return null
      const body = signer.open(token)
      if (body === null) return null
      const told: unknown = JSON.parse(Buffer.from(body, 'base64url').toString())
      const [sourceId, providerCallId, issued, expires] = content.parse(told)
      return { sourceId, providerCallId, issuedAt: issued * 1_000, expiresAt: expires * 1_000 }
    },
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000)
}
