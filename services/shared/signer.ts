import { createHmac, timingSafeEqual } from 'node:crypto'

/** Signs texts that come back to us from outside: `<body>.<proof>`, an HMAC-SHA256 in base64url. */
export interface Signer {
  /** `body` without a dot. */
  sign(body: string): string
  /** The body; null for everything that was signed with none of our keys. */
  open(signed: string): string | null
}

/**
 * The first key signs; all of them are accepted, so that what was signed outlives a change of
 * SECRETS_KEY. `proofBytes`: what is kept of the 32 bytes of the proof; 16 are beyond guessing.
 */
export function createSigner(keys: readonly Buffer[], proofBytes = 32): Signer {
  const [current] = keys
  if (current === undefined) throw new Error('nothing can be signed without a key')
  const proofOf = (body: string, key: Buffer) =>
    createHmac('sha256', key).update(body).digest().subarray(0, proofBytes).toString('base64url')
  return {
    sign: (body) => `${body}.${proofOf(body, current)}`,
    open(signed) {
      const [body = '', proof = '', ...rest] = signed.split('.')
      // Every key is compared, whichever fits, so that the time tells nothing.
      const fitting = keys.filter((key) => isEqual(proof, proofOf(body, key)))
      return rest.length > 0 || fitting.length === 0 ? null : body
    },
  }
}

/** As texts: base64 has several spellings of the same bytes, and only ours is taken. */
function isEqual(told: string, expected: string): boolean {
  const [a, b] = [Buffer.from(told), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
