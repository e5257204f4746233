import { describe, expect, it } from 'vitest'
import {
  type AcceptedCall,
  aftermathOf,
  duplicatesIn,
  longestWaitMs,
  longestWaits,
  waitedForUsOnly,
} from '../../torture/cluster/figures.ts'

const aCall = (
  acceptedAt: number,
  deliveredAt: number | null,
  hasFailed = false,
): AcceptedCall => ({
  workspaceId: 'ws',
  key: 'ws/1',
  acceptedAt,
  deliveredAt,
  hasFailed,
})

describe('calls that waited for us only', () => {
  it('leaves out a call whose endpoint failed', () => {
    const calls = [aCall(0, 10), aCall(20, 1_500, true)]

    expect(waitedForUsOnly(calls)).toEqual([aCall(0, 10)])
  })

  it('leaves out what was accepted while that one waited, and what caught up behind it', () => {
    const failing = aCall(0, 1_000, true)
    const behind = aCall(400, 1_100)
    const behindThat = aCall(1_050, 1_200)
    const after = aCall(1_300, 1_310)

    expect(waitedForUsOnly([failing, behind, behindThat, after])).toEqual([after])
  })

  it('leaves out everything behind a failing one that was never delivered', () => {
    expect(waitedForUsOnly([aCall(0, null, true), aCall(5, null)])).toEqual([])
  })

  it('keeps what waits behind a call that did not fail', () => {
    const calls = [aCall(0, 9_000), aCall(400, 9_010)]

    expect(waitedForUsOnly(calls)).toEqual(calls)
  })
})

describe('waits', () => {
  it('are counted until now for a call that was not delivered', () => {
    expect(longestWaitMs([aCall(0, 100), aCall(1_000, null)], 5_000)).toBe(4_000)
  })

  it('are named from the longest on', () => {
    const [short, long, open] = [aCall(0, 100), aCall(0, 900), aCall(4_000, null)]

    expect(longestWaits([short, long, open], 5_000, 2)).toEqual([open, long])
  })

  it('follow the last step before the acceptance, and recovery lasts until the last late call', () => {
    const steps = [
      { at: 1_000, what: 'killed' },
      { at: 9_000, what: 'started' },
    ]
    const calls = [aCall(500, 3_000), aCall(2_000, 4_000), aCall(3_000, 4_200), aCall(9_500, 9_600)]

    expect(aftermathOf(steps, calls, 10_000)).toEqual([
      { ...steps[0], longestWaitMs: 2_000, recoveryMs: 2_000, lateWorkspaces: 1 },
      { ...steps[1], longestWaitMs: 100, recoveryMs: 0, lateWorkspaces: 0 },
    ])
  })
})

describe('duplicates in the log', () => {
  it('are told with all their places', () => {
    const logged = [
      { key: 'ws/1', eventId: 'a', partition: 0, offset: 7, place: '0:7', writtenAt: 0 },
      { key: 'ws/2', eventId: 'b', partition: 0, offset: 8, place: '0:8', writtenAt: 0 },
      { key: 'ws/1', eventId: 'a', partition: 0, offset: 9, place: '0:9', writtenAt: 0 },
    ]

    expect(duplicatesIn(logged)).toEqual(['ws/1 at 0:7, 0:9'])
  })
})
