import { describe, expect, it } from 'vitest'
import {
  createDatabaseGuard,
  createDatabaseGuards,
  DatabaseAwayError,
} from '../../../../services/shared/postgres/database-guard.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { aConnectionFailure, quiet } from '../../../support/normalizer-fakes.ts'

const WAIT_MS = 1_000
const REST_MS = 1_000
const never = () => new Promise<never>(() => undefined)
const answer = async () => 'answer'
const fail = async () => {
  throw aConnectionFailure()
}
const badRow = Object.assign(new Error('invalid byte sequence'), { code: '22021' })
const refuseRow = async () => {
  throw badRow
}

function setUp() {
  const clock = new ManualClock()
  const guard = createDatabaseGuard({ clock, logger: quiet })
  const asked: string[] = []
  const ask = <T>(name: string, work: () => Promise<T>, waitMs = WAIT_MS) =>
    guard(waitMs, () => {
      asked.push(name)
      return work()
    })
  return { clock, asked, ask }
}

/** A question that the test answers. */
function question() {
  let resolve = (_answer: string): void => undefined
  let reject = (_error: Error): void => undefined
  const answered = new Promise<string>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { work: () => answered, resolve, reject }
}

describe('database guard', () => {
  it.each([
    ['a broken connection', fail, WAIT_MS],
    ['no answer in time', never, 1],
  ])('spares all others the wait after %s', async (_what, work, waitMs) => {
    const { clock, asked, ask } = setUp()

    await expect(ask('first', work, waitMs)).rejects.toThrow(DatabaseAwayError)
    await clock.pass(REST_MS - 1)
    await expect(ask('other', answer)).rejects.toThrow(DatabaseAwayError)

    expect(asked).toEqual(['first'])
  })

  it('passes on what is wrong with a statement, and asks the next one', async () => {
    const { ask } = setUp()

    await expect(ask('bad row', refuseRow)).rejects.toBe(badRow)

    expect(await ask('other', answer)).toBe('answer')
  })

  it('lets one probe through after the rest, and rests again when it fails', async () => {
    const { clock, asked, ask } = setUp()
    await expect(ask('first', fail)).rejects.toThrow()
    await clock.pass(REST_MS)
    const probe = question()

    const all = Promise.allSettled([ask('probe', probe.work), ask('b', answer), ask('c', answer)])
    probe.reject(aConnectionFailure())

    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(ask('d', answer)).rejects.toThrow(DatabaseAwayError)
    expect(asked).toEqual(['first', 'probe'])
  })

  it.each([
    ['is answered', (probe: ReturnType<typeof question>) => probe.resolve('answer')],
    ['is refused by Postgres', (probe: ReturnType<typeof question>) => probe.reject(badRow)],
  ])('lets those through that wait for the probe once it %s', async (_how, end) => {
    const { clock, asked, ask } = setUp()
    await expect(ask('first', fail)).rejects.toThrow()
    await clock.pass(REST_MS)
    const probe = question()
    const all = Promise.allSettled([ask('probe', probe.work), ask('b', answer), ask('c', answer)])

    expect(asked).toEqual(['first', 'probe'])
    end(probe)

    expect((await all).map(({ status }) => status).slice(1)).toEqual(['fulfilled', 'fulfilled'])
    expect(asked).toEqual(['first', 'probe', 'b', 'c'])
  })

  it('waits for a probe no longer than for an answer', async () => {
    const { clock, asked, ask } = setUp()
    await expect(ask('first', fail)).rejects.toThrow()
    await clock.pass(REST_MS)
    const probe = question()
    const probing = ask('probe', probe.work)

    await expect(ask('hurried', answer, 1)).rejects.toThrow(DatabaseAwayError)

    probe.resolve('answer')
    await probing
    expect(asked).toEqual(['first', 'probe'])
  })

  it('ends the rest when a call that began before it is answered', async () => {
    const { ask } = setUp()
    const slow = question()
    const answered = ask('slow', slow.work)
    await expect(ask('first', fail)).rejects.toThrow()

    slow.resolve('answer')
    await answered

    expect(await ask('other', answer)).toBe('answer')
  })

  it('does not rest longer because a call that began before it fails later', async () => {
    const { clock, ask } = setUp()
    const slow = question()
    const failing = ask('slow', slow.work)
    await expect(ask('first', fail)).rejects.toThrow()
    await clock.pass(REST_MS - 1)

    slow.reject(aConnectionFailure())
    await expect(failing).rejects.toThrow(DatabaseAwayError)
    await clock.pass(1)

    expect(await ask('probe', answer)).toBe('answer')
  })
})

describe('the guard of the last place', () => {
  it('tries although others found nobody, and rests for what it found itself', async () => {
    const clock = new ManualClock()
    const { guard, lastPlaceGuard } = createDatabaseGuards({ clock, logger: quiet })
    await expect(guard(1, never)).rejects.toThrow(DatabaseAwayError)

    await expect(lastPlaceGuard(WAIT_MS, fail)).rejects.toThrow(DatabaseAwayError)
    await expect(lastPlaceGuard(WAIT_MS, answer)).rejects.toThrow(DatabaseAwayError)

    await clock.pass(REST_MS)
    expect(await lastPlaceGuard(WAIT_MS, answer)).toBe('answer')
  })

  it('tells the others when it finds nobody', async () => {
    const { guard, lastPlaceGuard } = createDatabaseGuards({
      clock: new ManualClock(),
      logger: quiet,
    })
    await expect(lastPlaceGuard(WAIT_MS, fail)).rejects.toThrow(DatabaseAwayError)

    await expect(guard(WAIT_MS, answer)).rejects.toThrow(DatabaseAwayError)
  })

  it('tells the others when Postgres is back', async () => {
    const { guard, lastPlaceGuard } = createDatabaseGuards({
      clock: new ManualClock(),
      logger: quiet,
    })
    await expect(guard(WAIT_MS, fail)).rejects.toThrow(DatabaseAwayError)

    await lastPlaceGuard(WAIT_MS, answer)

    expect(await guard(WAIT_MS, answer)).toBe('answer')
  })
})
