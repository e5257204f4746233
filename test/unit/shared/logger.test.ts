import { describe, expect, it } from 'vitest'
import { Secret } from '../../../services/shared/config.ts'
import { createLogger } from '../../../services/shared/logger.ts'

const PLANTED = 's3cret-that-nobody-may-read'

function aLogger(level = 'info') {
  const lines: string[] = []
  return { lines, logger: createLogger('dispatcher', level, { write: (line) => lines.push(line) }) }
}

describe('log', () => {
  it('is JSON lines: service, level in words, ISO time, facts, and the name of the event', () => {
    const { lines, logger } = aLogger()

    logger.info({ partition: 3 }, 'partition.started')

    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'dispatcher',
      partition: 3,
      msg: 'partition.started',
    })
  })

  it('tells an error with its cause', () => {
    const { lines, logger } = aLogger()

    logger.error({ err: new Error('no', { cause: new Error('ECONNREFUSED') }) }, 'produce.failed')

    expect(lines[0]).toContain('ECONNREFUSED')
  })

  it('has nothing below its level', () => {
    const { lines, logger } = aLogger('warn')

    logger.info('partition.started')

    expect(lines).toEqual([])
  })

  it.each([
    ['a password', { password: PLANTED }],
    ['a token', { token: PLANTED }],
    ['a signing secret', { signingSecret: PLANTED }],
    ['an authorization', { authorization: `Bearer ${PLANTED}` }],
    ['a connection', { connection: { url: 'https://crm.example.com', password: PLANTED } }],
    ['a source', { source: { token: PLANTED } }],
    ['a rotated secret', { connection: { signingSecret: PLANTED } }],
    ['headers', { headers: { authorization: PLANTED, cookie: PLANTED } }],
    ['a request', { req: { headers: { authorization: PLANTED } } }],
    ['a configuration', { config: { sasl: { secret: new Secret(PLANTED) } } }],
  ])('never holds what is secret in %s', (_what, facts) => {
    const { lines, logger } = aLogger()

    logger.error(facts, 'something.happened')

    expect(lines[0]).toContain('[redacted]')
    expect(lines[0]).not.toContain(PLANTED)
  })
})
