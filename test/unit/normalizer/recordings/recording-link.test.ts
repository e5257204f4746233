import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRecordingLinks } from '../../../../services/normalizer/recordings/recording-link.ts'

const [key, oldKey, foreignKey] = [randomBytes(32), randomBytes(32), randomBytes(32)]
const links = createRecordingLinks([key, oldKey])
const link = {
  sourceId: 'source_0123456789abcdef0123456789abcdef',
  providerCallId: '4683310794',
  issuedAt: Date.UTC(2026, 10, 24),
  expiresAt: Date.UTC(2026, 11, 24),
}

describe('the token of a recording link', () => {
  it('says what was signed, and fits into a path as it is', () => {
    const token = links.sign(link)

    expect(links.read(token)).toEqual(link)
    expect(encodeURIComponent(token)).toBe(token)
  })

  it('outlives a change of the secrets key, and not a second one', () => {
    const token = createRecordingLinks([oldKey]).sign(link)

    expect(links.read(token)).toEqual(link)
    expect(createRecordingLinks([key]).read(token)).toBeNull()
  })

  it('holds ids and times only', () => {
    const [body = ''] = links.sign(link).split('.')

    expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toEqual([
      link.sourceId,
      link.providerCallId,
      link.issuedAt / 1_000,
      link.expiresAt / 1_000,
    ])
  })

  const [body = '', proof = ''] = links.sign(link).split('.')
  const later = Buffer.from(
    Buffer.from(body, 'base64url')
      .toString()
      .replace(/\d+\]$/, '4102444800]'),
  ).toString('base64url')

  it.each([
    ['of another key', createRecordingLinks([foreignKey]).sign(link)],
    ['with another expiry under the same proof', `${later}.${proof}`],
    ['without proof', body],
    ['with half a proof', `${body}.${proof.slice(0, 20)}`],
    ['with an empty proof', `${body}.`],
    ['with something behind the proof', `${body}.${proof}.x`],
    ['with padding behind the proof', `${body}.${proof}=`],
    ['that is empty', ''],
    ['of a kilobyte', 'x'.repeat(1_000)],
  ])('%s opens nothing', (_, token) => {
    expect(links.read(token)).toBeNull()
  })

  it('opens nothing when any one letter of it was changed', () => {
    const token = links.sign(link)
    const changed = [...token].map(
      (letter, at) => token.slice(0, at) + (letter === 'A' ? 'B' : 'A') + token.slice(at + 1),
    )

    expect(changed.filter((text) => links.read(text) !== null)).toEqual([])
  })
})
