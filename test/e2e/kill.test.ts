import { afterEach, describe, expect, it } from 'vitest'
import { freshPlace } from '../support/stack.ts'
import { broken, type Crowd, gatherCrowd, judgeCrowd, NOTHING_BROKEN } from '../torture/crowd.ts'
import { killAgainAndAgain } from '../torture/kill-rounds.ts'

const ROUNDS = 10

/** `make torture` does the same a hundred times. */
describe('a dispatcher killed with -9 under load, again and again', () => {
  let crowd: Crowd | null = null

  afterEach(() => crowd?.rig.close())

  it('loses nothing, sends nothing out of order and repeats no more than a checkpoint', async () => {
    crowd = await gatherCrowd(await freshPlace())

    const kills = await killAgainAndAgain(crowd, ROUNDS, (round) => console.log(round))
    const figures = await judgeCrowd(crowd, kills)

    console.log(figures)
    expect(broken(figures)).toEqual(NOTHING_BROKEN)
  }, 300_000)
})
