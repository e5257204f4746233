import { afterEach, describe, expect, it } from 'vitest'
import { freshDatabase, freshPrefix, testStack } from '../support/stack.ts'
import { type Crowd, gatherCrowd, judgeCrowd, untilFlowing } from '../torture/crowd.ts'

describe('a broker that is stopped, killed and started again under load', () => {
  const stack = testStack()
  let crowd: Crowd | null = null

  afterEach(() => crowd?.rig.close())

  it('costs nothing but time, and nobody has to do anything', async () => {
    crowd = await gatherCrowd({
      stack: stack.env,
      databaseUrl: await freshDatabase(),
      topicPrefix: freshPrefix(),
    })

    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
      await stack.restartKafka(signal)
      console.log({ signal, recoveredMs: await untilFlowing(crowd) })
    }
    const figures = await judgeCrowd(crowd, [])

    console.log(figures)
    // What is sent twice is bounded by what could not be committed while the broker was away.
    expect(figures).toMatchObject({ lost: 0, outOfOrder: 0, unexplainedOverlaps: 0 })
  }, 240_000)
})
