import { afterEach, describe, expect, it } from 'vitest'
import { freshPlace } from '../support/stack.ts'
import { broken, type Crowd, gatherCrowd, judgeCrowd, NOTHING_BROKEN } from '../torture/crowd.ts'
import { freeze } from '../torture/freeze.ts'

/** Twice the session timeout: the group has given its partitions away when it wakes up. */
const FROZEN_MS = 12_000

describe('a dispatcher that stands still and comes back', () => {
  let crowd: Crowd | null = null

  afterEach(() => crowd?.rig.close())

  it('does no harm beyond what is delivered twice', async () => {
    crowd = await gatherCrowd(await freshPlace())

    const frozen = await freeze(crowd, FROZEN_MS)
    const figures = await judgeCrowd(crowd, [frozen])

    console.log(figures)
    expect(broken(figures)).toEqual(NOTHING_BROKEN)
  }, 180_000)
})
