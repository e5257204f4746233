import { describe, expect, it } from 'vitest'
import { cursorsOf, findPlace } from '../../../services/console/calls-place.ts'
import { awayEventLog, type EventLog } from '../../../services/console/event-log.ts'
import { Problem } from '../../../services/console/problem.ts'
import { minutes, NOON } from '../../support/builders.ts'

const iso = (at: number) => new Date(at).toISOString()

/** Its oldest record is of noon; a record a millisecond. All workspaces have one partition. */
const log: EventLog = {
  ...awayEventLog,
  partitionOf: () => 3,
  offsetAt: async (_partition, at) => Math.max(0, at - NOON),
  oldestAt: async () => NOON,
}

const page = { nextOffset: 70, endOffset: 70 }

describe('place of a page of calls', () => {
  it.each([
    ['at a time', { since: iso(NOON + 40) }, { offset: 40, until: null, availableFrom: null }],
    ['at the oldest record', {}, { offset: 0, until: null, availableFrom: null }],
    [
      'behind what retention has removed',
      { since: iso(NOON - 5), until: iso(NOON + 5) },
      { offset: 0, until: NOON + 5, availableFrom: NOON },
    ],
  ])('is %s', async (_where, asked, place) => {
    expect(await findPlace(log, 'kyiv', asked)).toEqual(place)
  })

  it.each([null, NOON + minutes(1)])('is taken from a cursor, until %s', async (until) => {
    const { nextCursor } = cursorsOf(log, 'kyiv', { until }, page)

    const place = await findPlace(log, 'kyiv', { cursor: nextCursor ?? '' })

    expect(place).toEqual({ offset: 70, until, availableFrom: null })
  })

  it('is refused to a cursor of another workspace, even in the same partition', async () => {
    const { nextCursor } = cursorsOf(log, 'kyiv', { until: null }, page)

    await expect(findPlace(log, 'lviv', { cursor: nextCursor ?? '' })).rejects.toThrow(Problem)
  })

  it('is refused to a cursor of another number of partitions', async () => {
    const { nextCursor } = cursorsOf(log, 'kyiv', { until: null }, page)
    const moved = { ...log, partitionOf: () => 4 }

    await expect(findPlace(moved, 'kyiv', { cursor: nextCursor ?? '' })).rejects.toThrow(Problem)
  })

  it('needs an end after its beginning', async () => {
    const asked = { since: iso(NOON), until: iso(NOON) }

    await expect(findPlace(log, 'kyiv', asked)).rejects.toThrow('has to be later than since')
  })
})

describe('cursors of the last page', () => {
  const last = { nextOffset: null, endOffset: 80 }

  it('go on with what comes later', async () => {
    const { nextCursor, resumeCursor } = cursorsOf(log, 'kyiv', { until: null }, last)

    expect(nextCursor).toBeNull()
    expect(await findPlace(log, 'kyiv', { cursor: resumeCursor ?? '' })).toMatchObject({
      offset: 80,
    })
  })

  it('are none when the end was asked for', () => {
    expect(cursorsOf(log, 'kyiv', { until: NOON }, last)).toEqual({
      nextCursor: null,
      resumeCursor: null,
    })
  })
})
