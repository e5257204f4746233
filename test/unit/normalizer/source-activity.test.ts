import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createSourceActivity,
  notingActivity,
} from '../../../services/normalizer/source-activity.ts'
import { eventually } from '../../support/eventually.ts'
import { quiet, source, stoppedClock } from '../../support/normalizer-fakes.ts'

/** What Postgres was told, while `away` is false. */
function setUp() {
  const database = { away: false, refused: 0, told: [] as [string, number][] }
  const clock = stoppedClock()
  const activity = createSourceActivity({
    save: async (noted) => {
      if (database.away) {
        database.refused += 1
        throw new Error('away')
      }
      for (const { sourceId, at } of noted) database.told.push([sourceId, at.getTime()])
    },
    sourcesMax: 2,
    clock,
    logger: quiet,
  })
  onTestFinished(() => activity.stop())
  return { activity, database }
}

describe('activity of a source', () => {
  it('is told at once when it is the first', async () => {
    const { activity, database } = setUp()

    activity.note('src_1', 1_000)

    await eventually(() => expect(database.told).toEqual([['src_1', 1_000]]))
  })

  it('is told at most once a minute after that', async () => {
    const { activity, database } = setUp()

    for (const at of [0, 30_000, 59_999, 60_000, 100_000]) activity.note('src_1', at)
    await activity.stop()

    expect(database.told.map(([, at]) => at)).toEqual([60_000])
  })

  it('keeps its first time while Postgres is away', async () => {
    const { activity, database } = setUp()
    database.away = true
    activity.note('src_1', 5)
    activity.note('src_2', 6)
    await eventually(() => expect(database.refused).toBeGreaterThan(0))

    database.away = false
    await activity.stop()

    expect(database.told.sort()).toEqual([
      ['src_1', 5],
      ['src_2', 6],
    ])
  })

  it('remembers so many sources and no more', async () => {
    const { activity, database } = setUp()

    for (const id of ['src_1', 'src_2', 'src_3', 'src_1']) activity.note(id, 7)
    await activity.stop()

    expect(new Set(database.told.map(([id]) => id))).toEqual(new Set(['src_1', 'src_2', 'src_3']))
  })

  it.each([
    ['published', true],
    ['repeated', true],
    ['held', true],
    ['ignored', true],
    ['answered', true],
    ['rejected', false],
    ['unauthorized', false],
  ] as const)('of a webhook that was %s counts: %s', async (kind, counts) => {
    const noted: string[] = []
    const accept = notingActivity(async () => ({ kind, source }) as never, {
      note: (id) => noted.push(id),
    })

    await accept({ receivedAt: 0 } as never)

    expect(noted).toEqual(counts ? [source.id] : [])
  })

  it('of a source that nobody could look up counts only once it is brought in', async () => {
    const noted: string[] = []
    const result = { kind: 'kept', source, reason: 'source_unavailable' }
    const accept = notingActivity(async () => result as never, { note: (id) => noted.push(id) })

    await accept({ receivedAt: 0 } as never)

    expect(noted).toEqual([])
  })
})
