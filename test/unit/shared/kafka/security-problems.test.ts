import { describe, expect, it } from 'vitest'
import { securityProblems } from '../../../../services/shared/kafka/security-problems.ts'

const LOGIN = { KAFKA_SASL_USERNAME: 'dispatcher', KAFKA_SASL_PASSWORD: 'secret' }
const REGISTRY_LOGIN = { SCHEMA_REGISTRY_USERNAME: 'me', SCHEMA_REGISTRY_PASSWORD: 'secret' }
const REMOTE = { KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092' }

describe('how Kafka and the registry are reached', () => {
  it.each<[string, Record<string, string>]>([
    ['nothing at all', {}],
    [
      'SCRAM over TLS',
      { ...REMOTE, ...LOGIN, KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SSL: 'true' },
    ],
    [
      'SCRAM, which never sends the password',
      { ...REMOTE, ...LOGIN, KAFKA_SASL_MECHANISM: 'scram-sha-256' },
    ],
    ['plain over TLS', { ...REMOTE, ...LOGIN, KAFKA_SASL_MECHANISM: 'plain', KAFKA_SSL: 'true' }],
    [
      'plain on this machine',
      { ...LOGIN, KAFKA_SASL_MECHANISM: 'plain', KAFKA_BROKERS: '127.0.0.1:1,localhost:2' },
    ],
    ['a registry by https', { ...REGISTRY_LOGIN, SCHEMA_REGISTRY_URL: 'https://registry' }],
    ['a registry on this machine', { ...REGISTRY_LOGIN }],
  ])('is fine with %s', (_what, values) => {
    expect(securityProblems(values)).toEqual([])
  })

  it.each<[string, Record<string, string>]>([
    [
      'KAFKA_SASL_PASSWORD: is required with',
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'a' },
    ],
    ['KAFKA_SASL_MECHANISM: is required with', LOGIN],
    ['KAFKA_SSL_KEY: is required with', { KAFKA_SSL: 'true', KAFKA_SSL_CERT: 'pem' }],
    ['SCHEMA_REGISTRY_USERNAME: is required with', { SCHEMA_REGISTRY_PASSWORD: 'secret' }],
    ['KAFKA_SSL_CA: is of no use without TLS', { KAFKA_SSL_CA: 'pem' }],
    ['KAFKA_SSL_CA: is of no use without TLS', { KAFKA_SSL_CA: 'pem', KAFKA_SSL: 'false' }],
    ['SCHEMA_REGISTRY_CA: is of no use', { SCHEMA_REGISTRY_CA: 'pem' }],
    [
      'KAFKA_SASL_MECHANISM: plain without TLS',
      { ...REMOTE, ...LOGIN, KAFKA_SASL_MECHANISM: 'plain' },
    ],
    [
      'SCHEMA_REGISTRY_URL: http sends',
      { ...REGISTRY_LOGIN, SCHEMA_REGISTRY_URL: 'http://registry' },
    ],
  ])('is refused with "%s…"', (words, values) => {
    const [problem, ...others] = securityProblems(values)

    expect(problem).toMatch(new RegExp(`^${words}`))
    expect(others).toEqual([])
  })

  it('never repeats a password', () => {
    const values = { ...REMOTE, ...LOGIN, ...REGISTRY_LOGIN, KAFKA_SASL_MECHANISM: 'plain' }

    expect(securityProblems(values).join()).not.toContain('secret')
  })
})
