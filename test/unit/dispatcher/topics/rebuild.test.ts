import { describe, expect, it } from 'vitest'
import { Rebuild } from '../../../../services/dispatcher/topics/rebuild.ts'
import { laneRecord, rewindTo } from '../../../support/lanes.ts'

const found = (version: number) => ({
  record: laneRecord(version, { version }),
  position: { topic: 'retry.5s', offset: version },
})

describe('rebuild', () => {
  it.each([
    ['in order', [1, 2, 3]],
    ['in any order', [2, 3, 1]],
  ])('keeps the newest record of a workspace, and settles the others (%s)', (_how, versions) => {
    const rebuild = new Rebuild(new Map())

    for (const version of versions) rebuild.add(found(version))

    expect(rebuild.lanes.map(({ record }) => record.version)).toEqual([3])
    expect(rebuild.outdated.map(({ offset }) => offset).sort()).toEqual([1, 2])
  })

  it('keeps a request for a back-fill apart: it competes with no record', () => {
    const rebuild = new Rebuild(new Map())
    rebuild.add(found(1))
    rebuild.add(rewindTo(0))

    expect([rebuild.lanes.length, rebuild.rewinds.length]).toEqual([1, 1])
  })

  it('is complete when every topic was read to its end, or holds nothing any more', () => {
    const ranges = new Map([
      ['retry.5s', { low: 0, high: 3 }],
      ['retry.30s', { low: 9, high: 9 }],
    ])
    const rebuild = new Rebuild(ranges)

    expect(rebuild.isComplete(() => 0)).toBe(false)
    expect(rebuild.isComplete((topic) => (topic === 'retry.5s' ? 3 : 0))).toBe(true)
  })
})
