import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import type { Connection } from '../../../../services/dispatcher/delivery/connection.ts'
import type { CallEvent } from '../../../../services/shared/call-event.ts'
import { buildPayload, maskNumber } from '../../../../services/shared/egress/payload.ts'
import {
  decodeSecret,
  newSigningSecret,
} from '../../../../services/shared/egress/webhook-signature.ts'
import { aCallEvent, aConnection, minutes, seconds } from '../../../support/builders.ts'

const event = aCallEvent('kyiv', '4683310794')

/** Headers by name, and the body, of the third attempt. */
function sent(connection: Connection, of: CallEvent = event, now = Date.now(), isReplay = false) {
  const facts = { sequence: 42, attempt: 3, isReplay, now }
  const { body, headers } = buildPayload(of, connection, facts, 'call-webhook/1.2.3')
  const byName = new Map<string, string>()
  for (let at = 0; at < headers.length; at += 2)
    byName.set(headers[at] ?? '', headers[at + 1] ?? '')
  return { body, headers: Object.fromEntries(byName), json: JSON.parse(body) as CallEvent }
}

describe('request to the customer', () => {
  it('has the headers of the contract and no others', () => {
    const now = Date.parse('2026-05-28T12:00:00.900Z')

    const { headers } = sent(aConnection('kyiv'), event, now)

    expect(headers).toEqual({
      'content-type': 'application/json',
      'user-agent': 'call-webhook/1.2.3',
      'webhook-id': event.eventId,
      'webhook-timestamp': '1779969600',
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
      'webhook-sequence': '42',
      'webhook-attempt': '3',
    })
  })

  it('carries the event as it is, field by field in its order', () => {
    const { json } = sent(aConnection('kyiv'))

    expect(json).toEqual(event)
    expect(Object.keys(json)).toEqual(Object.keys(event))
  })

  it('has the trace only when it is to be sent', () => {
    const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'a=1' }
    const facts = { sequence: 1, attempt: 1, isReplay: false, trace, now: 0 }
    const { headers } = buildPayload(event, aConnection('kyiv'), facts, 'call-webhook/1.2.3')

    expect(headers.join(' ')).toContain(`traceparent ${trace.traceparent} tracestate a=1`)
    expect(sent(aConnection('kyiv')).headers).not.toHaveProperty('traceparent')
  })

  it('says of an event that is sent again for a back-fill that it is', () => {
    const { headers } = sent(aConnection('kyiv'), event, Date.now(), true)

    expect(headers).toMatchObject({ 'webhook-replay': 'true' })
  })

  it.each([
    ['authorization', 'Bearer s3cret'],
    ['x-make-apikey', 's3cret'],
  ])('carries the password in %s', (name, value) => {
    expect(sent(aConnection('kyiv', { passwordHeader: [name, value] })).headers).toMatchObject({
      [name]: value,
    })
  })
})

describe('signature of a request', () => {
  it('is verified by the Standard Webhooks library', () => {
    const secret = newSigningSecret()
    const signingKeys = [{ key: decodeSecret(secret), validUntil: null }]

    const { body, headers } = sent(aConnection('kyiv', { signingKeys }))

    expect(new Webhook(secret).verify(body, headers)).toEqual(event)
  })

  it('covers what is sent, also when numbers are masked', () => {
    const secret = newSigningSecret()
    const signingKeys = [{ key: decodeSecret(secret), validUntil: null }]

    const { body, headers } = sent(aConnection('kyiv', { signingKeys, maskNumbers: true }))

    expect(() => new Webhook(secret).verify(body, headers)).not.toThrow()
    expect(() => new Webhook(secret).verify(JSON.stringify(event), headers)).toThrow()
  })

  it('is made with both secrets while a rotation overlaps, and with the new one afterwards', () => {
    const [next, old] = [newSigningSecret(), newSigningSecret()]
    const now = Date.now()
    const rotated = (validUntil: number) =>
      aConnection('kyiv', {
        signingKeys: [
          { key: decodeSecret(next), validUntil: null },
          { key: decodeSecret(old), validUntil },
        ],
      })

    const during = sent(rotated(now + minutes(60)), event, now)
    const afterwards = sent(rotated(now - seconds(2)), event, now)

    expect(new Webhook(next).verify(during.body, during.headers)).toEqual(event)
    expect(new Webhook(old).verify(during.body, during.headers)).toEqual(event)
    expect(new Webhook(next).verify(afterwards.body, afterwards.headers)).toEqual(event)
    expect(() => new Webhook(old).verify(afterwards.body, afterwards.headers)).toThrow()
  })

  it('is never left out', () => {
    expect(() => sent(aConnection('kyiv', { signingKeys: [] }))).toThrow(
      'a connection has a signing key',
    )
  })
})

describe('masked number', () => {
  it.each([
    ['+380671235678', '+380 67 ••• 5678'],
    ['+48600123456', '+4860 ••• 3456'],
    ['+12025550123', '+1202 ••• 0123'],
    ['901', '••• 01'],
    ['0 800 hidden', '••• en'],
  ])('of %s is %s', (number, masked) => {
    expect(maskNumber(number)).toBe(masked)
  })

  it.each([
    ['inbound', { caller: '+380671234567', callee: '+380443334455' }],
    ['outbound', { caller: '+380443334455', callee: '+380671234567' }],
  ] as const)('stands wherever the client stands: %s', (direction, sides) => {
    const connection = aConnection('kyiv', { maskNumbers: true })

    const { body, json } = sent(connection, aCallEvent('kyiv', '1', { direction, ...sides }))

    expect(body).not.toContain('+380671234567')
    expect(json.client.number).toBe('+380 67 ••• 4567')
    expect([json.caller, json.callee]).toContain('+380 67 ••• 4567')
    expect(json.line.number).toBe('+380443334455')
  })

  it('leaves a hidden number hidden', () => {
    const hidden = { number: null, name: null, isNew: null }

    const { json } = sent(
      aConnection('kyiv', { maskNumbers: true }),
      aCallEvent('kyiv', '1', { client: hidden, caller: null }),
    )

    expect(json.client).toEqual(hidden)
  })
})
