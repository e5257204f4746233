import { describe, expect, it } from 'vitest'
import { merged, spansOf, toGap } from '../../../../services/dispatcher/restores/vanished.ts'
import { minutes, NOON, seconds } from '../../../support/builders.ts'

describe('what vanished with a log', () => {
  it('is looked for in pieces that touch and end where the new log begins', () => {
    expect(spansOf({ from: NOON, until: NOON + minutes(25) })).toEqual([
      { from: NOON, until: NOON + minutes(10) },
      { from: NOON + minutes(10), until: NOON + minutes(20) },
      { from: NOON + minutes(20), until: NOON + minutes(25) },
    ])
    expect(spansOf({ from: NOON, until: NOON })).toEqual([])
    expect(spansOf({ from: NOON, until: 0 })).toEqual([])
  })

  it('is one gap for each workspace, from before its first call to its last', () => {
    const found = (workspaceId: string, calls: number, first: number, last: number) => ({
      workspaceId,
      calls,
      first,
      last,
    })
    const all = merged([
      found('odesa', 1, NOON, NOON),
      found('kyiv', 2, NOON, NOON + minutes(3)),
      found('kyiv', 3, NOON + minutes(10), NOON + minutes(12)),
    ])

    expect(all).toEqual([found('kyiv', 5, NOON, NOON + minutes(12)), found('odesa', 1, NOON, NOON)])
    expect(all.map(toGap)).toEqual([
      { from: NOON - seconds(5), to: NOON + minutes(12) },
      { from: NOON - seconds(5), to: NOON },
    ])
  })
})
