import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  decodeSecret,
  newSigningSecret,
  sign,
} from '../../../../services/shared/egress/webhook-signature.ts'

const body = JSON.stringify({ event: 'call.completed', client: 'ТОВ «Їжак»' })

function headersOf(signature: string) {
  const timestamp = String(Math.floor(Date.now() / 1000))
  return {
    'webhook-id': 'evt_1',
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  }
}

function nowSec(): number {
  return Math.floor(Date.now() / 1000)
}

describe('webhook signature', () => {
  it('is the one of the Standard Webhooks library, for text and for bytes', () => {
    const secret = newSigningSecret()
    const expected = new Webhook(secret).sign('evt_1', new Date(1_779_800_279_000), body)

    const ours = [body, Buffer.from(body)].map((content) =>
      sign(decodeSecret(secret), 'evt_1', 1_779_800_279, content),
    )

    expect(ours).toEqual([expected, expected])
  })

  it('verifies with the library while old and new secret are both in use', () => {
    const [old, next] = [newSigningSecret(), newSigningSecret()]
    const both = [next, old].map((s) => sign(decodeSecret(s), 'evt_1', nowSec(), body)).join(' ')

    for (const secret of [old, next]) {
      expect(new Webhook(secret).verify(body, headersOf(both))).toMatchObject({
        event: 'call.completed',
      })
    }
  })

  it('does not verify when a byte of the body differs', () => {
    const secret = newSigningSecret()
    const signature = sign(decodeSecret(secret), 'evt_1', nowSec(), body)

    expect(() => new Webhook(secret).verify(`${body} `, headersOf(signature))).toThrow()
  })

  it('has a new secret of 32 bytes each time', () => {
    const [one, two] = [newSigningSecret(), newSigningSecret()]

    expect(one).not.toBe(two)
    expect(decodeSecret(one).symmetricKeySize).toBe(32)
  })

  it.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'secret_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'])(
    'refuses "%s" as a secret without repeating it',
    (text) => {
      expect(() => decodeSecret(text)).toThrow(
        /^a signing secret is whsec_ and 24 to 64 bytes in base64$/,
      )
    },
  )
})
