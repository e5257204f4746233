import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { renderRequest } from '../../../services/console/render-request.ts'
import { Secret } from '../../../services/shared/config.ts'
import { newSigningSecret } from '../../../services/shared/egress/webhook-signature.ts'
import type { RecordedAttempt } from '../../../services/shared/postgres/attempt-queries.ts'
import type { Connection, PasswordScheme } from '../../../services/shared/postgres/connections.ts'
import { passwordPlace, signingSecretPlace } from '../../../services/shared/sealed-places.ts'
import { createSecretBox } from '../../../services/shared/secret-box.ts'
import { aCallEvent, minutes, NOON } from '../../support/builders.ts'

const box = createSecretBox(new Secret(randomBytes(32).toString('base64')))
const signingSecret = newSigningSecret()
const event = aCallEvent('kyiv', '1')
const logged = { event, partition: 0, offset: 42, value: Buffer.alloc(0), acceptedAt: NOON }

const connection: Connection = {
  workspaceId: 'kyiv',
  state: 'connected',
  url: 'https://crm.example.com/hook?a=1',
  passwordSealed: null,
  passwordScheme: 'bearer',
  passwordHeader: null,
  maskNumbers: false,
  signingSecretSealed: box.seal(signingSecret, signingSecretPlace('kyiv')),
  previousSecretSealed: null,
  previousSecretUntil: null,
  version: 1,
  connectedAt: new Date(NOON),
  connectedTopic: null,
  connectedOffset: null,
}

const third: RecordedAttempt = {
  id: 7,
  eventId: logged.event.eventId,
  event: 'call.completed',
  attempt: 3,
  outcome: 'retrying',
  errorClass: 'server_error',
  status: 500,
  durationMs: 1_500,
  at: new Date(NOON),
  nextAttemptAt: new Date(NOON + minutes(10)),
  replay: true,
}

function render(overrides: Partial<Connection> = {}, attempt?: RecordedAttempt, now = NOON) {
  const options = { attempt, epoch: 0, box, now }
  return renderRequest(logged, { connection: { ...connection, ...overrides }, ...options })
}

describe('a rendered request', () => {
  it('is that of the last attempt', () => {
    expect(render({}, third)).toMatchObject({
      url: 'https://crm.example.com/hook?a=1',
      headers: {
        'webhook-id': event.eventId,
        'webhook-sequence': '42',
        'webhook-attempt': '3',
        'webhook-replay': 'true',
        'webhook-timestamp': String(NOON / 1_000 - 2),
      },
      body: JSON.stringify(event),
    })
  })

  it('is the first one, of now, when there was none', () => {
    const { headers } = render({}, undefined, NOON)

    expect(headers).toMatchObject({
      'webhook-attempt': '1',
      'webhook-timestamp': String(NOON / 1_000),
    })
    expect(headers).not.toHaveProperty('webhook-replay')
  })

  it('is signed as a customer verifies it', () => {
    const { headers, body } = render({}, undefined, Date.now())

    expect(new Webhook(signingSecret).verify(body, { ...headers })).toEqual(event)
  })

  it.each<[PasswordScheme, string | null, string, string]>([
    ['bearer', null, 'authorization', 'Bearer ***'],
    ['basic', null, 'authorization', 'Basic ***'],
    ['header', 'x-make-apikey', 'x-make-apikey', '***'],
  ])('hides the password of the scheme %s', (passwordScheme, passwordHeader, name, value) => {
    const passwordSealed = box.seal('user:hunter2', passwordPlace('kyiv'))

    const request = render({ passwordScheme, passwordHeader, passwordSealed })

    expect(request.headers[name]).toBe(value)
    expect(JSON.stringify(request)).not.toMatch(/hunter2|dXNlcjpodW50ZXIy/)
  })

  it('masks numbers where the connection says so', () => {
    expect(render({ maskNumbers: true }).body).not.toContain('+380671234567')
  })

  it('has neither URL nor headers while there is no connection', () => {
    const disconnected = { url: null, signingSecretSealed: null, state: 'disconnected' } as const
    const none = renderRequest(logged, {
      connection: null,
      attempt: third,
      epoch: 0,
      box,
      now: NOON,
    })

    expect([render(disconnected), none]).toEqual(
      Array(2).fill({ url: null, headers: {}, body: JSON.stringify(event) }),
    )
  })
})
