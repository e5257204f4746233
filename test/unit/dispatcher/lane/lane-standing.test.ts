import { describe, expect, it } from 'vitest'
import type { LaneRecord } from '../../../../services/dispatcher/lane/lane-record.ts'
import { LaneStanding } from '../../../../services/dispatcher/lane/lane-standing.ts'

const at = (offset: number) => ({ topic: 'calls.catch-up', offset })
const record = (version: number): LaneRecord => ({
  workspaceId: 'kyiv',
  head: { offset: 7, value: Buffer.from('x'), acceptedAt: 0 },
  version,
  attempt: 1,
  dueAt: 0,
  firstFailedAt: null,
  lastError: null,
  replay: null,
  session: 's',
})

describe('lane standing', () => {
  it('settles what was pending only once a record is durable', () => {
    const standing = new LaneStanding()
    standing.spill([9, 10])

    standing.writing(record(1), 0, true)
    const commands = standing.written(1, [7, 8])

    expect(commands).toEqual([{ kind: 'settle', offsets: [7, 8, 9, 10] }])
    expect(standing.isOffline).toBe(true)
  })

  it('settles a record that it reads after a newer one was durable', () => {
    const standing = new LaneStanding()
    standing.writing(record(1), 0, false)
    standing.written(1, [])
    standing.writing(record(2), 0, false)
    standing.written(2, [])

    expect(standing.echoed(1, at(0))).toEqual([{ kind: 'settle-record', position: at(0) }])
    expect(standing.echoed(2, at(1))).toEqual([])
    expect(standing.position).toEqual(at(1))
  })

  it('settles the second copy of a record whose acknowledgement was lost', () => {
    const standing = new LaneStanding()
    standing.writing(record(1), 0, false)
    standing.written(1, [])

    expect(standing.echoed(1, at(0))).toEqual([])
    expect(standing.echoed(1, at(1))).toEqual([{ kind: 'settle-record', position: at(1) }])
  })

  it('settles a back-fill request together with the first record that takes it over', () => {
    const standing = new LaneStanding()
    standing.standOn(1, at(3), 0)
    standing.adopt(at(4))

    standing.writing(record(2), 0, true)

    expect(standing.written(2, [])).toEqual([
      { kind: 'settle-record', position: at(3) },
      { kind: 'settle-record', position: at(4) },
    ])
  })

  it('spills nothing off-line, where the record covers it', () => {
    const standing = new LaneStanding()
    standing.standOn(1, at(3), 0)

    standing.spill([9])

    expect(standing.giveUp([7])).toEqual([])
  })
})
