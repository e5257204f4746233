import { describe, expect, it } from 'vitest'
import type { LiveConnection } from '../../../../services/console/web/src/screens/integrations/connection.ts'
import {
  draftOf,
  fieldOf,
  requestOf,
} from '../../../../services/console/web/src/screens/integrations/connection-draft.ts'

const live: LiveConnection = {
  state: 'connected',
  url: 'https://crm.example/hooks',
  hasPassword: true,
  passwordScheme: 'header',
  passwordHeader: 'x-key',
  maskNumbers: true,
  connectedAt: null,
  lastDeliveredAt: null,
  lastError: null,
  retry: null,
}

describe('form of the connection', () => {
  it('asks for nothing but the URL where nothing else was entered', () => {
    const draft = { ...draftOf(null), url: '  https://crm.example/hooks ' }

    expect(requestOf(draft, null)).toEqual({ url: 'https://crm.example/hooks', maskNumbers: false })
  })

  it('keeps a stored password that was not entered again, and how it is sent', () => {
    expect(requestOf({ ...draftOf(live), url: 'https://crm.example/other' }, live)).toEqual({
      url: 'https://crm.example/other',
      maskNumbers: true,
      passwordScheme: 'header',
      passwordHeader: 'x-key',
    })
  })

  it('removes a password only when asked to', () => {
    const request = requestOf({ ...draftOf(live), removesPassword: true }, live)

    expect(request).toEqual({ url: live.url, maskNumbers: true, password: null })
  })

  it('names the header only for the scheme that has one', () => {
    const entered = { ...draftOf(null), url: live.url, password: 'u:s', header: 'x-key' }

    expect(requestOf({ ...entered, scheme: 'basic' }, null)).toEqual({
      url: live.url,
      maskNumbers: false,
      password: 'u:s',
      passwordScheme: 'basic',
    })
  })

  it.each([
    ['password', { errorClass: 'unauthorized', fields: {} }],
    ['url', { errorClass: 'not_found', fields: {} }],
    ['url', { errorClass: 'timeout', fields: {} }],
    ['url', { errorClass: undefined, fields: { 'body.url': 'must be https' } }],
    ['header', { errorClass: undefined, fields: { 'body.passwordHeader': 'is required' } }],
    [null, { errorClass: undefined, fields: {} }],
  ])('shows at %s what is wrong there', (field, refusal) => {
    expect(fieldOf(refusal)).toBe(field)
  })
})
