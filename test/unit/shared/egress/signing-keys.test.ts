import { describe, expect, it } from 'vitest'
import { Secret } from '../../../../services/shared/config.ts'
import { openSigningKeys } from '../../../../services/shared/egress/signing-keys.ts'
import { newSigningSecret } from '../../../../services/shared/egress/webhook-signature.ts'
import { signingSecretPlace } from '../../../../services/shared/sealed-places.ts'
import { createSecretBox } from '../../../../services/shared/secret-box.ts'
import { NOON } from '../../../support/builders.ts'

const box = createSecretBox(new Secret(Buffer.alloc(32, 1).toString('base64')))
const lost = createSecretBox(new Secret(Buffer.alloc(32, 2).toString('base64')))
const previousSecretUntil = new Date(NOON)
const workspaceId = 'kyiv'
const place = signingSecretPlace(workspaceId)

describe('signing keys', () => {
  it('are the current one and the one before', () => {
    const signingSecretSealed = box.seal(newSigningSecret(), place)
    const previousSecretSealed = box.seal(newSigningSecret(), place)
    const row = { workspaceId, signingSecretSealed, previousSecretSealed, previousSecretUntil }

    expect(openSigningKeys(row, box).map(({ validUntil }) => validUntil)).toEqual([null, NOON])
  })

  it('are the current one alone when the one before cannot be opened any more', () => {
    const signingSecretSealed = box.seal(newSigningSecret(), place)
    const previousSecretSealed = lost.seal(newSigningSecret(), place)
    const row = { workspaceId, signingSecretSealed, previousSecretSealed, previousSecretUntil }

    expect(openSigningKeys(row, box)).toMatchObject([{ validUntil: null }])
  })

  it('are none that anybody could sign with when the current one cannot be opened', () => {
    const signingSecretSealed = lost.seal(newSigningSecret(), place)
    const row = {
      workspaceId,
      signingSecretSealed,
      previousSecretSealed: null,
      previousSecretUntil: null,
    }

    expect(() => openSigningKeys(row, box)).toThrow('which is not configured')
  })
})
