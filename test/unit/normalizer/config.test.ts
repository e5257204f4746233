import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../services/normalizer/config.ts'
import { ConfigError } from '../../../services/shared/config.ts'

const REQUIRED = {
  DATABASE_URL: 'postgres://user:hunter2@127.0.0.1/db',
  SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
}

describe('configuration of the normalizer', () => {
  it('needs a database and a key, and has a default for the rest', () => {
    const config = readConfig(REQUIRED)

    expect(config).toMatchObject({ port: 8080, telemetryPort: 9101, trustedProxies: [] })
    expect(config.providers).toHaveLength(5)
    expect(JSON.stringify(config)).not.toContain('hunter2')
  })

  it('answers within 5 s by default, and names the failure before that', () => {
    const { answerWithinMs, publishTimeoutMs } = readConfig(REQUIRED)

    expect(answerWithinMs).toBeLessThan(5_000)
    expect(publishTimeoutMs).toBeLessThan(answerWithinMs)
  })

  it('listens everywhere, or at the one address that it is given', () => {
    expect(readConfig(REQUIRED).listenAddress).toBeUndefined()
    expect(readConfig({ ...REQUIRED, LISTEN_ADDRESS: '127.0.0.1' }).listenAddress).toBe('127.0.0.1')
    expect(() => readConfig({ ...REQUIRED, LISTEN_ADDRESS: 'localhost' })).toThrow(/LISTEN_ADDRESS/)
  })

  it('reports everything that is wrong at once, by the name of the variable', () => {
    const read = () =>
      readConfig({
        NORMALIZER_PROVIDERS: 'binotel,acme',
        NORMALIZER_TRUSTED_PROXIES: 'everybody',
        NORMALIZER_PORT: '70000',
        NORMALIZER_RECORDING_CHECKS: '1m,soon',
      })

    expect(read).toThrow(ConfigError)
    expect(read).toThrow(/DATABASE_URL: is required/)
    expect(read).toThrow(/NORMALIZER_PROVIDERS: Invalid option/)
    expect(read).toThrow(/NORMALIZER_TRUSTED_PROXIES: Invalid/)
    expect(read).toThrow(/NORMALIZER_PORT: Too big/)
    expect(read).toThrow(/NORMALIZER_RECORDING_CHECKS: must be delays such as/)
  })
})
