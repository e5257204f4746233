import { describe, expect, it } from 'vitest'
import { Lifecycle } from '../../../services/shared/lifecycle.ts'
import { quiet } from '../../support/builders.ts'

/** Parts that note down what happens to them. */
function aService() {
  const happened: string[] = []
  const lifecycle = new Lifecycle({ logger: quiet, stopDeadlineMs: 1_000 })
  const part = (name: string) => ({
    stop: async () => {
      happened.push(`${name} stops`)
      await Promise.resolve()
      happened.push(`${name} stopped`)
    },
  })
  return { happened, lifecycle, part }
}

describe('life cycle of a service', () => {
  it('stops its parts in reverse, one after the other', async () => {
    const { happened, lifecycle, part } = aService()
    await lifecycle.start('postgres', () => part('postgres'))
    await lifecycle.start('consumer', async () => part('consumer'))

    await lifecycle.stop()

    expect(happened).toEqual([
      'consumer stops',
      'consumer stopped',
      'postgres stops',
      'postgres stopped',
    ])
  })

  it('hands back what it started, and stops it the way it is told', async () => {
    const { happened, lifecycle } = aService()

    const pool = await lifecycle.start(
      'postgres',
      () => ({ url: 'postgres://' }),
      ({ url }) => void happened.push(`end ${url}`),
    )
    await lifecycle.stop()

    expect(pool.url).toBe('postgres://')
    expect(happened).toEqual(['end postgres://'])
  })

  it('stops what had started when a later part does not', async () => {
    const { happened, lifecycle, part } = aService()
    await lifecycle.start('postgres', () => part('postgres'))

    const failing = lifecycle.start('consumer', () => Promise.reject(new Error('no broker')))

    await expect(failing).rejects.toThrow('no broker')
    expect(happened).toEqual(['postgres stops', 'postgres stopped'])
  })

  it('lets no part that fails to stop keep the others from it', async () => {
    const { happened, lifecycle, part } = aService()
    await lifecycle.start('postgres', () => part('postgres'))
    await lifecycle.start('consumer', () => ({ stop: () => Promise.reject(new Error('hung')) }))

    await lifecycle.stop()

    expect(happened).toEqual(['postgres stops', 'postgres stopped'])
  })

  it('stops once, however often it is asked', async () => {
    const { happened, lifecycle, part } = aService()
    await lifecycle.start('postgres', () => part('postgres'))

    await Promise.all([lifecycle.stop(), lifecycle.stop()])

    expect(happened).toHaveLength(2)
  })

  it('takes parts that have nothing to stop', async () => {
    const { lifecycle } = aService()
    await lifecycle.start('nothing', () => undefined)
    await lifecycle.start('a number', () => 7)

    await expect(lifecycle.stop()).resolves.toBeUndefined()
  })
})
