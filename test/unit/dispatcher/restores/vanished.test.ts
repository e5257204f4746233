import { describe, expect, it } from 'vitest'
import {
  merged,
  spansOf,
  toGap,
  vanishedOf,
} from '../../../../services/dispatcher/restores/vanished.ts'
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

  it('is one gap for each workspace, from before its first call to behind its last', () => {
    const call = (workspaceId: string, at: number) =>
      vanishedOf({ workspaceId, eventId: `evt_${at}`, at })
    const all = merged([
      call('odesa', NOON),
      call('kyiv', NOON + 0.4),
      ...merged([call('kyiv', NOON + minutes(10)), call('kyiv', NOON + minutes(12))]),
    ])

    expect(all.map(({ workspaceId, calls }) => ({ workspaceId, calls }))).toEqual([
      { workspaceId: 'kyiv', calls: 3 },
      { workspaceId: 'odesa', calls: 1 },
    ])
    expect(all.map(toGap)).toEqual([
      { from: NOON - seconds(5), to: NOON + minutes(12) + seconds(5) + 1 },
      { from: NOON - seconds(5), to: NOON + seconds(5) + 1 },
    ])
  })
})
