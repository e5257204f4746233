import { describe, expect, it } from 'vitest'
import { Secret } from '../../../services/shared/config.ts'
import { requireSessions } from '../../../services/shared/postgres/require-sessions.ts'

export const POOL_MODES = [
  'session',
  /** Without `ignore_startup_parameters`. */
  'session, strict',
  /** PgBouncer's own way: the session that was let go of last is taken first. */
  'transaction, last first',
  /** `server_round_robin = 1` */
  'transaction, in turn',
  /** `default_pool_size = 1` */
  'transaction, one session',
  'statement',
] as const

export type PoolMode = (typeof POOL_MODES)[number]

/** Answers a URL with the password `pooler-password`; the pooler ends with the test. */
export type StartPooler = (mode: PoolMode) => Promise<{ readonly url: string }>

/** What a pooler does to a start of ours, by PgBouncer itself and by the one that plays it. */
export function describeStartBehind(name: string, start: StartPooler): void {
  const begin = async (mode: PoolMode) => requireSessions(new Secret((await start(mode)).url))

  describe(`the start with ${name} in between`, () => {
    it.each([
      'transaction, last first',
      'transaction, in turn',
      'transaction, one session',
    ] as const)('is refused where it works by %s', async (mode) => {
      const error = await begin(mode).catch((caught: Error) => caught)

      expect(error).toHaveProperty('name', 'ConfigError')
      expect(String(error)).toMatch(/DATABASE_URL: .*transaction.*pool_mode = session/s)
      expect(String(error)).not.toMatch(/pooler-password/)
    })

    it('is refused where it knows no transactions', async () => {
      await expect(begin('statement')).rejects.toThrow(/pool_mode = session/)
    })

    it('is refused where our pools would not be let in', async () => {
      await expect(begin('session, strict')).rejects.toThrow(
        /ignore_startup_parameters = statement_timeout/,
      )
    })

    it('goes on where each client has a session until it hangs up', async () => {
      await expect(begin('session')).resolves.toBeUndefined()
    })
  })
}
