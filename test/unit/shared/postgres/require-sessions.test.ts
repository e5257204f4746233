import { describe, expect, it } from 'vitest'
import { Secret } from '../../../../services/shared/config.ts'
import {
  isSessionShared,
  requireSessions,
} from '../../../../services/shared/postgres/require-sessions.ts'
import { startFakePooler } from '../../../support/fake-pooler.ts'

const mark = 'ours'
const own = { pid: 7, mark }

describe('a session is the client’s own', () => {
  it.each([
    [false, 'each client has one', { beside: { pid: 8, mark: null }, after: own }],
    [true, 'the second client gets that of the first', { beside: own, after: null }],
    [true, 'and it was cleaned', { beside: { pid: 7, mark: null }, after: null }],
    [true, 'a pooler in front gives its own pids', { beside: { pid: 9, mark }, after: null }],
    [
      true,
      'the first client does not get its own again',
      { beside: { pid: 8, mark: null }, after: { pid: 9, mark: null } },
    ],
    [
      true,
      'what it left there is gone',
      { beside: { pid: 8, mark: null }, after: { pid: 7, mark: null } },
    ],
  ] as const)('shared: %s, %s', (expected, _, looks) => {
    expect(isSessionShared({ mark, before: own, ...looks })).toBe(expected)
  })
})

describe('the start with a pooler in between', () => {
  it.each(['transaction, last first', 'transaction, in turn', 'transaction, one session'] as const)(
    'is refused where it works by %s',
    async (mode) => {
      const pooler = await startFakePooler(mode)

      const start = requireSessions(new Secret(pooler.url))

      await expect(start).rejects.toThrow(/DATABASE_URL: .*transaction.*pool_mode = session/s)
      await expect(start).rejects.toHaveProperty('name', 'ConfigError')
      await expect(start).rejects.not.toThrow(/pooler-password/)
    },
  )

  it('is refused where it knows no transactions', async () => {
    const pooler = await startFakePooler('statement')

    await expect(requireSessions(new Secret(pooler.url))).rejects.toThrow(/pool_mode = session/)
  })

  it('is refused where our pools would not be let in', async () => {
    const pooler = await startFakePooler('session, strict')

    await expect(requireSessions(new Secret(pooler.url))).rejects.toThrow(
      /ignore_startup_parameters = statement_timeout/,
    )
  })

  it('goes on where each client has a session until it hangs up', async () => {
    const pooler = await startFakePooler('session')

    await expect(requireSessions(new Secret(pooler.url))).resolves.toBeUndefined()
  })
})
