import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether a header carries the secret: byte for byte, or behind `Bearer `.
 *
 * Compared in constant time and by digest, so that neither the time nor an early refusal of a
 * wrong length tells how close a guess was.
 */
export function carriesSecret(header: string | undefined, secret: string): boolean {
  if (header === undefined) return false
  const raw = isSame(header, secret)
  const bearer = isSame(header.replace(/^Bearer +/i, ''), secret)
  return raw || bearer
}

function isSame(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
