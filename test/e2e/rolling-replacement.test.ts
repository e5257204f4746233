import { afterEach, describe, expect, it } from 'vitest'
import { freshPlace } from '../support/stack.ts'
import { broken, type Crowd, gatherCrowd, judgeCrowd, NOTHING_BROKEN } from '../torture/crowd.ts'
import { replaceAll } from '../torture/rollout.ts'

const ROUNDS = 2
const NOBODY_WAITS_MS = 10_000

describe('a rollout that replaces the dispatchers one by one under load', () => {
  let crowd: Crowd | null = null

  afterEach(() => crowd?.rig.close())

  it('loses, repeats and reorders nothing, and lets no healthy workspace wait for long', async () => {
    crowd = await gatherCrowd(await freshPlace())
    const before = crowd.dispatchers.map(({ pid }) => pid)

    for (let round = 1; round <= ROUNDS; round++) {
      const exits = await replaceAll(crowd)
      console.log({ round, stopMs: exits.map(({ ms }) => ms) })
      expect(exits.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    }
    const figures = await judgeCrowd(crowd, [])

    console.log(figures)
    expect(crowd.dispatchers.map(({ pid }) => pid)).not.toEqual(expect.arrayContaining(before))
    // No disturbance is told: an orderly handover explains neither an overlap nor a repetition.
    expect(broken(figures)).toEqual(NOTHING_BROKEN)
    expect(figures.duplicates).toBe(0)
    expect(figures.longestHealthyWaitMs).toBeLessThan(NOBODY_WAITS_MS)
  }, 180_000)
})
