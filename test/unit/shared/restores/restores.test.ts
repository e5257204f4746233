import { Registry } from 'prom-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RestoreError } from '../../../../services/shared/restores/restore-problem.ts'
import { startRestores } from '../../../../services/shared/restores/restores.ts'
import { quiet, seconds } from '../../../support/builders.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

/** A check that answers what `finds` says at the moment. */
function aWatch(finds: () => readonly string[] | null) {
  const clock = new ManualClock()
  const told: string[] = []
  const logger = Object.assign(Object.create(quiet), {
    error: (_: unknown, event: string) => told.push(event),
    info: (_: unknown, event: string) => told.push(event),
  })
  const checks = [{ problem: 'kafka_recreated', look: async () => finds() } as const]
  const restores = startRestores({ checks, clock, logger })
  onTestFinished(() => restores.stop())
  const registry = new Registry()
  restores.tellIn(registry)
  const measured = async () => {
    const metric = registry.getSingleMetric('callwebhook_restore_unconfirmed')
    return (await metric?.get())?.values.map(({ value }) => value)
  }
  return { clock, told, restores, measured }
}

describe('the watch for restores', () => {
  it('is not clear while nobody can be asked, and asks again every second', async () => {
    let isAway = true
    const { clock, restores } = aWatch(() => {
      if (isAway) throw new Error('away')
      return null
    })
    await clock.pass(seconds(3))
    expect(restores.isClear).toBe(false)
    expect(restores.health).toMatchObject({ ok: false })

    isAway = false
    await clock.pass(seconds(1))

    expect(restores.isClear).toBe(true)
    await restores.untilClear()
  })

  it('tells within 20 s, ends who listens, and goes on once a person has confirmed', async () => {
    let found: readonly string[] | null = null
    const { clock, told, restores, measured } = aWatch(() => found)
    await clock.pass(seconds(1))
    const ended = restores.ended.catch((error: unknown) => error)
    found = ['calls.events']

    await clock.pass(seconds(21))

    expect(restores.unconfirmed).toEqual(['kafka_recreated'])
    expect(restores.isClear).toBe(false)
    expect(await measured()).toEqual([1])
    expect(await ended).toBeInstanceOf(RestoreError)
    expect(String(await ended)).toMatch(/after-restore -- --kafka.*calls\.events/)

    found = null
    await clock.pass(seconds(21))

    expect(restores.isClear).toBe(true)
    expect(await measured()).toEqual([0])
    expect(told).toEqual(['restore.unconfirmed', 'restore.confirmed'])
  })

  it('keeps what it found while nobody answers any more', async () => {
    let look = (): readonly string[] | null => ['calls.events']
    const { clock, restores } = aWatch(() => look())
    await clock.pass(seconds(1))
    look = () => {
      throw new Error('away')
    }

    await clock.pass(seconds(60))

    expect(restores.unconfirmed).toEqual(['kafka_recreated'])
  })
})
