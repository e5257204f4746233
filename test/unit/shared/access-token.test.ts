import { describe, expect, it } from 'vitest'
import { hashToken, isSameToken, newToken } from '../../../services/shared/access-token.ts'

describe('access token', () => {
  it('has its prefix and 256 bits that fit into a URL', () => {
    expect(newToken('src_')).toMatch(/^src_[A-Za-z0-9_-]{43}$/)
    expect(newToken('cwt_')).not.toBe(newToken('cwt_'))
  })

  it('is stored as 32 bytes from which it cannot be read', () => {
    const token = newToken('cwt_')

    expect(hashToken(token)).toHaveLength(32)
    expect(hashToken(token).toString()).not.toContain(token)
  })

  it.each([
    [true, 'operator-local', 'operator-local'],
    [false, 'operator-loca', 'operator-local'],
    [false, 'operator-locaL', 'operator-local'],
    [false, '', 'operator-local'],
  ])('is the same: %s for "%s" and "%s"', (expected, given, token) => {
    expect(isSameToken(given, token)).toBe(expected)
  })
})
