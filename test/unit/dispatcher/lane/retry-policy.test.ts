import { describe, expect, it } from 'vitest'
import {
  JITTER,
  parseTiers,
  planNextAttempt,
} from '../../../../services/dispatcher/lane/retry-policy.ts'
import { minutes, NOON, seconds, TIERS } from '../../../support/builders.ts'

const MIDDLE = 0.5

describe('retry schedule', () => {
  it('reads seconds, minutes and hours', () => {
    expect(parseTiers(['5s', '2m', '6h']).map(({ delayMs }) => delayMs)).toEqual([
      seconds(5),
      minutes(2),
      minutes(360),
    ])
  })

  it.each([
    ['at least one delay is needed, such as 5s', []],
    ['"5" is no delay: write 30s, 2m or 6h', ['5']],
    ['"0s" is no delay: write 30s, 2m or 6h', ['0s']],
    ['"1d" is no delay: write 30s, 2m or 6h', ['1d']],
    ['"-5s" is no delay: write 30s, 2m or 6h', ['-5s']],
    ['"30s" does not grow: delays have to ascend', ['2m', '30s']],
    ['"60s" does not grow: delays have to ascend', ['1m', '60s']],
  ])('is refused with the sentence: %s', (sentence, labels) => {
    expect(() => parseTiers(labels)).toThrow(sentence)
  })
})

const SERVER_ERROR = { errorClass: 'server_error', retryAfterMs: null } as const

describe('next attempt', () => {
  it.each([
    ['5s', 1, seconds(5)],
    ['30s', 2, seconds(30)],
    ['2m', 3, minutes(2)],
    ['6h', 8, minutes(360)],
  ])('is %s after attempt %i', (tier, attempt, delayMs) => {
    const next = planNextAttempt(TIERS, { attempt, ...SERVER_ERROR }, NOON, MIDDLE)

    expect(next).toEqual({ kind: 'retry', tier, dueAt: NOON + delayMs })
  })

  it('is spread by a tenth both ways, so that lanes which failed together come back apart', () => {
    const failed = { attempt: 2, ...SERVER_ERROR }
    const delays = [0, MIDDLE, 0.999_999].map((random) =>
      planNextAttempt(TIERS, failed, NOON, random),
    )

    expect(JITTER).toBe(0.1)
    expect(delays).toMatchObject([27_000, 30_000, 33_000].map((ms) => ({ dueAt: NOON + ms })))
  })

  it.each([
    ['later than the tier when the endpoint asks for it', minutes(10), minutes(10)],
    ['not earlier than the tier, whatever the endpoint says', 0, seconds(30)],
  ])('is %s', (_case, retryAfterMs, delayMs) => {
    const failed = { attempt: 2, errorClass: 'rate_limited', retryAfterMs } as const

    expect(planNextAttempt(TIERS, failed, NOON, MIDDLE)).toMatchObject({ dueAt: NOON + delayMs })
  })

  it.each([
    ['server_error', 9, 'attempts_exhausted'],
    ['timeout', 9, 'attempts_exhausted'],
    ['rejected', 3, 'rejected'],
  ] as const)('is none: %s ends after %i attempts', (errorClass, attempts, reason) => {
    const plan = (attempt: number) =>
      planNextAttempt(TIERS, { attempt, errorClass, retryAfterMs: null }, NOON, MIDDLE)

    expect(plan(attempts - 1)).toMatchObject({ kind: 'retry' })
    expect(plan(attempts)).toEqual({ kind: 'dead-letter', reason })
  })
})
