import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../services/console/config.ts'
import { ConfigError } from '../../../services/shared/config.ts'

const required = {
  DATABASE_URL: 'postgres://user:hunter2@db/calls',
  OPERATOR_TOKEN: 'operator-hunter2-of-enough-characters',
  SECRETS_KEY: randomBytes(32).toString('base64'),
}

describe('configuration of the console', () => {
  it('needs three variables and has defaults for the rest', () => {
    expect(readConfig(required)).toMatchObject({
      port: 8090,
      telemetryPort: 9103,
      normalizerPublicUrl: 'http://127.0.0.1:8080',
      publicUrl: 'http://127.0.0.1:8090',
      frameOrigins: [],
      trustedProxies: [],
      allowCidrs: [],
      allowHttp: false,
      kafka: { brokers: ['127.0.0.1:9092'], topicPrefix: 'calls', partitions: 12 },
      requestTimeoutMs: 5_000,
      attemptsMax: 9,
      sourcesMax: 50,
      listenAddress: undefined,
      attemptsRetentionDays: 30,
      retentionDays: { deadLetters: 90, gaps: 90, backfills: 90, tokens: 30, disconnected: 365 },
    })
  })

  it('reports everything that is wrong at once', () => {
    const wrong = {
      CONSOLE_PORT: '99999',
      SECRETS_KEY: 'c2hvcnQ=',
      EGRESS_ALLOW_CIDRS: '127.0.0.0/8,localhost',
    }
    const problems = () => readConfig(wrong)

    expect(problems).toThrow(ConfigError)
    for (const name of ['DATABASE_URL', 'OPERATOR_TOKEN', ...Object.keys(wrong)]) {
      expect(problems).toThrow(name)
    }
  })

  it('refuses a token of the operator that could be guessed', () => {
    const withToken = (length: number) => () =>
      readConfig({ ...required, OPERATOR_TOKEN: 'x'.repeat(length) })

    expect(withToken(31)).toThrow('OPERATOR_TOKEN: must have at least 32 characters')
    expect(withToken(32)).not.toThrow()
  })

  it('takes the token before beside the current one, as hard to guess', () => {
    const before = 'operator-hunter2-that-was-there-before'
    const tokensOf = (previous: string) =>
      readConfig({ ...required, OPERATOR_TOKEN_PREVIOUS: previous }).operatorTokens.map((token) =>
        token.reveal(),
      )

    expect(tokensOf(before)).toEqual([required.OPERATOR_TOKEN, before])
    // As compose has it while none is being changed.
    expect(tokensOf('')).toEqual([required.OPERATOR_TOKEN])
    expect(() => tokensOf('x'.repeat(31))).toThrow('OPERATOR_TOKEN_PREVIOUS: must have at least')
  })

  it('prints without its secrets', () => {
    const previous = { OPERATOR_TOKEN_PREVIOUS: `${required.OPERATOR_TOKEN}-before` }
    const printed = JSON.stringify(readConfig({ ...required, ...previous }))

    expect(printed).not.toContain('hunter2')
    expect(printed).not.toContain(required.SECRETS_KEY)
  })

  it('counts one attempt per retry tier after the first', () => {
    expect(readConfig({ ...required, DISPATCHER_RETRY_TIERS: '1s,2s' }).attemptsMax).toBe(3)
  })

  it('makes webhook URLs without a double slash', () => {
    const config = readConfig({ ...required, NORMALIZER_PUBLIC_URL: 'https://hooks.example.com/' })

    expect(config.normalizerPublicUrl).toBe('https://hooks.example.com')
  })

  it('takes the public address and the sites of frames as origins, and as nothing else', () => {
    const { publicUrl, frameOrigins } = readConfig({
      ...required,
      CONSOLE_PUBLIC_URL: 'https://console.example.com/',
      CONSOLE_FRAME_ORIGINS: 'https://crm.example.com, http://127.0.0.1:3000',
    })
    const wrong = { CONSOLE_PUBLIC_URL: 'console.example.com', CONSOLE_FRAME_ORIGINS: '*' }

    expect(publicUrl).toBe('https://console.example.com')
    expect(frameOrigins).toEqual(['https://crm.example.com', 'http://127.0.0.1:3000'])
    for (const name of Object.keys(wrong)) {
      expect(() => readConfig({ ...required, ...wrong })).toThrow(name)
    }
  })

  it('follows its port where nobody names a public address', () => {
    expect(readConfig({ ...required, CONSOLE_PORT: '8890' }).publicUrl).toBe(
      'http://127.0.0.1:8890',
    )
  })
})
