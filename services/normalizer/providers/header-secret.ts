import { isSameToken } from '../../shared/access-token.ts'

/**
 * Whether a header carries the secret: byte for byte, or behind `Bearer `.
 * Both are compared whatever the first one says, so that the time tells nothing.
 */
export function carriesSecret(header: string | undefined, secret: string): boolean {
  if (header === undefined) return false
  const raw = isSameToken(header, secret)
  const bearer = isSameToken(header.replace(/^Bearer +/i, ''), secret)
  return raw || bearer
}
