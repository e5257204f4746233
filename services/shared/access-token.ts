import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Tokens that open a workspace (`cwt_`), sign somebody in once (`link_`) or are a browser's session
 * (`ses_`). Those of sources (`src_`) were made here before they had a proof, see source-token.ts.
 * The prefix lets secret scanners find a leaked one.
 */
export type TokenPrefix = 'cwt_' | 'src_' | 'link_' | 'ses_'

/** 256 random bits: no slow hash is needed, since there is nothing to guess. */
export function newToken(prefix: TokenPrefix): string {
  return prefix + randomBytes(32).toString('base64url')
}

/** SHA-256; the only form in which a token is stored and looked up. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** The token of an `authorization` header; undefined without one. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}

/** In constant time: hashing first also hides the length, which `timingSafeEqual` would tell. */
export function isSameToken(given: string, expected: string): boolean {
  return timingSafeEqual(hashToken(given), hashToken(expected))
}
