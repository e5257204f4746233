import { describe, expect, it } from 'vitest'
import { type AccessProblem, accessProblem } from '../../../../services/shared/kafka/access.ts'

function anError(message: string, facts: object = {}): Error {
  return Object.assign(new Error(message), facts)
}

/** As kafkajs 2.2.4 and OpenSSL say it; the ones of real brokers are in `secure-kafka.test.ts`. */
describe('why a broker does not let us in', () => {
  it.each<[AccessProblem | null, Error]>([
    ['wrong_login', anError('SASL SCRAM: failed', { name: 'KafkaJSSASLAuthenticationError' })],
    ['untrusted_certificate', anError('x', { code: 'SELF_SIGNED_CERT_IN_CHAIN' })],
    ['untrusted_certificate', anError('x', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })],
    ['expired_certificate', anError('x', { code: 'CERT_HAS_EXPIRED' })],
    ['other_host_name', anError('x', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })],
    [
      'own_certificate_refused',
      anError('x', { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }),
    ],
    ['key_mismatch', anError('Failed to connect: x509 routines::key values mismatch')],
    ['closed', anError('Closed connection')],
    ['closed', anError('Connection error: read', { code: 'ECONNRESET' })],
    [null, anError('Connection error: connect ECONNREFUSED', { code: 'ECONNREFUSED' })],
    [null, anError('Connection error: getaddrinfo ENOTFOUND', { code: 'ENOTFOUND' })],
    [null, anError('Connection timeout')],
  ])('is %s, told by its error', (problem, error) => {
    expect(accessProblem(error)).toBe(problem)
  })

  it('is found below what kafkajs wraps it in', () => {
    const cause = anError('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })

    expect(accessProblem(new Error('gave up', { cause }))).toBe('untrusted_certificate')
  })
})
