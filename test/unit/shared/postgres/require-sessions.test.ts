import { describe, expect, it } from 'vitest'
import { isSessionShared } from '../../../../services/shared/postgres/require-sessions.ts'
import { describeStartBehind } from '../../../support/conformance/pooler.ts'
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

describeStartBehind('a pooler', startFakePooler)
