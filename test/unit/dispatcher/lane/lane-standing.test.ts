import { describe, expect, it } from 'vitest'
import { LaneStanding } from '../../../../services/dispatcher/lane/lane-standing.ts'
import { event, laneOptions } from '../../../support/lanes.ts'

const at = (offset: number) => ({ topic: 'calls.catch-up', offset })
const contents = {
  head: event(7),
  attempt: 1,
  dueAt: 0,
  firstFailedAt: null,
  lastError: null,
  replay: null,
}

const START = { now: 0, elapsed: 0 }

describe('lane standing', () => {
  it('settles what was pending only once a record is durable', () => {
    const standing = new LaneStanding(laneOptions())
    standing.spill([9, 10])

    standing.write(contents, START, true)
    const commands = standing.written(1, 0, [7, 8])

    expect(commands).toEqual([{ kind: 'settle', offsets: [7, 8, 9, 10] }])
    expect(standing.isOffline).toBe(true)
  })

  it('settles a record that it reads after a newer one was durable', () => {
    const standing = new LaneStanding(laneOptions())
    standing.write(contents, START, false)
    standing.written(1, 0, [])
    standing.write(contents, START, false)
    standing.written(2, 0, [])

    expect(standing.echoed(1, at(0))).toEqual([{ kind: 'settle-record', position: at(0) }])
    expect(standing.echoed(2, at(1))).toEqual([])
    expect(standing.position).toEqual(at(1))
  })

  it('settles the second copy of a record whose acknowledgement was lost', () => {
    const standing = new LaneStanding(laneOptions())
    standing.write(contents, START, false)
    standing.written(1, 0, [])

    expect(standing.echoed(1, at(0))).toEqual([])
    expect(standing.echoed(1, at(1))).toEqual([{ kind: 'settle-record', position: at(1) }])
  })

  it('settles a back-fill request together with the first record that takes it over', () => {
    const standing = new LaneStanding(laneOptions({ nextVersion: () => 2 }))
    standing.standOn(1, at(3), START)
    standing.adopt(at(4))

    standing.write(contents, START, true)

    expect(standing.written(2, 0, [])).toEqual([
      { kind: 'settle-record', position: at(3) },
      { kind: 'settle-record', position: at(4) },
    ])
  })

  it('spills nothing off-line, where the record covers it', () => {
    const standing = new LaneStanding(laneOptions())
    standing.standOn(1, at(3), START)

    standing.spill([9])

    expect(standing.giveUp([7])).toEqual([])
  })
})
