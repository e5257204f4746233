import { afterEach, describe, expect, it } from 'vitest'
import { freshPlace } from '../support/stack.ts'
import { broken, type Crowd, gatherCrowd, judgeCrowd, NOTHING_BROKEN } from '../torture/crowd.ts'
import { rebalanceAgainAndAgain } from '../torture/rebalances.ts'

const REBALANCES = 8
const NOBODY_WAITS_MS = 10_000

describe('dispatchers that join and leave every few seconds', () => {
  let crowd: Crowd | null = null

  afterEach(() => crowd?.rig.close())

  it('repeat nothing, lose nothing, and let no healthy workspace wait for long', async () => {
    crowd = await gatherCrowd(await freshPlace())

    await rebalanceAgainAndAgain(crowd, REBALANCES, (facts) => console.log(facts))
    // No disturbance: an orderly handover explains neither an overlap nor a repetition.
    const figures = await judgeCrowd(crowd, [])

    console.log(figures)
    expect(broken(figures)).toEqual(NOTHING_BROKEN)
    expect(figures.longestHealthyWaitMs).toBeLessThan(NOBODY_WAITS_MS)
  }, 180_000)
})
