import { describe, expect, inject, it } from 'vitest'
import { openStack } from '../../deploy/local/stack.ts'
import { freeze, kill } from '../torture/cluster/brokers-away.ts'
import { leaders } from '../torture/cluster/leadership.ts'
import {
  brokenPromises,
  type ClusterScene,
  playScene,
  renderOutcome,
} from '../torture/cluster/play.ts'

/**
 * On a quiet machine leaders move within 1 s, and a broker that is gone is missed for 12 s. A busy one
 * adds seconds to both; what must never be seen is a stand-still.
 */
const MOVED_WITHIN_MS = 5_000
const REPLACED_WITHIN_MS = 20_000

/**
 * The short form of `make torture SCENE=cluster`: the whole product on three brokers, a hundred calls
 * a second through the door, one call in twenty-five failing at its customer.
 */
describe('the product on a cluster of three brokers', { timeout: 300_000 }, () => {
  async function play(scene: ClusterScene) {
    const stack = { ...openStack('cluster'), env: inject('cluster') }
    const outcome = await playScene(scene, stack)
    console.log(renderOutcome(scene.name, outcome))
    return outcome
  }

  it('delivers all, once and in order, while leaders move', async () => {
    const outcome = await play(leaders(10_000))

    expect(brokenPromises(outcome)).toEqual({})
    expect(outcome.longestWaitMs).toBeLessThanOrEqual(MOVED_WITHIN_MS)
  })

  it('delivers all, once and in order, when a broker crashes', async () => {
    const outcome = await play(kill(2, 15_000))

    expect(brokenPromises(outcome)).toEqual({})
    expect(outcome.longestWaitMs).toBeLessThanOrEqual(REPLACED_WITHIN_MS)
  })

  it('delivers all, once and in order, when a broker hangs', async () => {
    const outcome = await play(freeze(1, 20_000))

    expect(brokenPromises(outcome)).toEqual({})
    expect(outcome.longestWaitMs).toBeLessThanOrEqual(REPLACED_WITHIN_MS)
  })
})
