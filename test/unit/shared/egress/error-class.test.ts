import { errors } from 'undici'
import { describe, expect, it } from 'vitest'
import { EgressError } from '../../../../services/shared/egress/egress-error.ts'
import {
  classOfError,
  classOfStatus,
  ERROR_CLASSES,
  HINTS,
} from '../../../../services/shared/egress/error-class.ts'

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code })
}

describe('error class of a status', () => {
  it.each([
    [null, [200, 201, 204, 299]],
    ['redirect', [300, 301, 302, 304, 307, 308, 399]],
    ['rejected', [400, 413, 415, 422]],
    ['unauthorized', [401, 403]],
    ['not_found', [404, 410]],
    ['rate_limited', [429]],
    ['client_error', [402, 405, 408, 409, 418, 499]],
    ['server_error', [500, 502, 503, 504, 599, 600, 101, 0]],
  ] as const)('is %s for %j', (expected, statuses) => {
    for (const status of statuses) expect(classOfStatus(status)).toBe(expected)
  })
})

describe('error class of an error', () => {
  it.each([
    ['dns', ['ENOTFOUND', 'EAI_AGAIN', 'LOOKUP_FAILED', 'NOT_PUBLIC']],
    ['refused', ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']],
    ['reset', ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'HPE_INVALID_CONSTANT']],
    [
      'timeout',
      ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
    ],
    [
      'tls',
      [
        'CERT_HAS_EXPIRED',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'SELF_SIGNED_CERT_IN_CHAIN',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'ERR_SSL_WRONG_VERSION_NUMBER',
        'EPROTO',
      ],
    ],
  ] as const)('is %s for the codes %j', (expected, codes) => {
    for (const code of codes) expect(classOfError(withCode(code))).toBe(expected)
  })

  it('is blocked_address for what the guarded agent refused', () => {
    expect(classOfError(new EgressError('BLOCKED_ADDRESS', 'no'))).toBe('blocked_address')
  })

  it('is timeout when the signal of the request ran out', () => {
    expect(classOfError(new DOMException('late', 'TimeoutError'))).toBe('timeout')
  })

  it('takes the errors of undici by code', () => {
    expect(classOfError(new errors.HeadersTimeoutError())).toBe('timeout')
    expect(classOfError(new errors.SocketError('other side closed'))).toBe('reset')
  })

  it('looks into the cause and into the first of several addresses', () => {
    const wrapped = new TypeError('fetch failed', { cause: withCode('CERT_HAS_EXPIRED') })
    const several = new AggregateError([withCode('ECONNREFUSED'), withCode('ETIMEDOUT')])

    expect([classOfError(wrapped), classOfError(several)]).toEqual(['tls', 'refused'])
  })

  it('gives the look-up the blame when the name server refuses, not the endpoint', () => {
    const cause = withCode('ECONNREFUSED')

    expect(classOfError(new EgressError('LOOKUP_FAILED', 'x', { cause }))).toBe('dns')
  })

  it('has an answer for whatever is thrown', () => {
    const circle = new Error('a')
    circle.cause = circle

    for (const thrown of [undefined, null, 'text', 42, {}, new Error('new'), circle]) {
      expect(classOfError(thrown)).toBe('reset')
    }
  })
})

describe('hints', () => {
  it('tell the customer what to do for every class', () => {
    for (const errorClass of ERROR_CLASSES) expect(HINTS[errorClass]).toMatch(/[.?]$/)
  })
})
