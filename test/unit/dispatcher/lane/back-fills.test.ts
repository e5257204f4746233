import { describe, expect, it } from 'vitest'
import { BackFills } from '../../../../services/dispatcher/lane/back-fills.ts'
import { rewindTo } from '../../../support/lanes.ts'

const REPLAY = { id: 'bf_1', mode: 'all', until: 9, liveFrom: null, logEnd: null } as const

describe('back-fills of a lane', () => {
  it('are one after the other', () => {
    const fills = new BackFills()
    fills.ask(rewindTo(2))
    fills.ask(rewindTo(1))

    expect(fills.takeNext()?.record.head.offset).toBe(2)
    fills.begin(REPLAY, 8)
    expect(fills.isNextDue).toBe(false)
    fills.endAt(8)

    expect(fills.isNextDue).toBe(true)
    expect(fills.takeNext()?.record.head.offset).toBe(1)
    expect(fills.takeNext()).toBeUndefined()
  })

  it('end where events were never settled', () => {
    const fills = new BackFills()
    expect(fills.of(3)).toBeNull()
    fills.begin(REPLAY, 8)

    expect([fills.of(7)?.id, fills.of(8)]).toEqual(['bf_1', null])
    expect(fills.endAt(7)).toBeNull()
    expect(fills.endAt(8)).toMatchObject({ id: 'bf_1' })
    expect([fills.current, fills.endAt(9)]).toEqual([null, null])
  })

  it('without an end belong to every event, and are over anywhere', () => {
    const fills = new BackFills()
    fills.resume(REPLAY)

    expect(fills.of(1_000_000)).toEqual(REPLAY)
    expect(fills.endAt(0)).toEqual(REPLAY)
  })
})
