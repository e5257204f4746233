import { expect, it } from 'vitest'
import { aCallEvent } from '../../../support/builders.ts'
import { encoder } from '../../../support/normalizer-fakes.ts'
import { aDispatcher, TOPICS, type Workbench } from '../../../support/workbench.ts'

/** Framed, and nobody can decode it: a dead letter as soon as it is its turn. */
const POISON = encoder.encode(aCallEvent('kyiv', '0')).subarray(0, 8)

/** Holds the next commits back, until the answer is called. */
function hold(bench: Workbench): () => Promise<void> {
  let release: () => void = () => undefined
  bench.consumer.gate = new Promise((resolve) => {
    release = resolve
  })
  return async () => {
    release()
    await bench.settle()
  }
}

it('a lane that asks for a commit twice is told once, or R4 would end with an older commit', async () => {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
  const releaseFirst = hold(bench)
  for (let n = 0; n < 2; n++) bench.write(TOPICS.events, { key: 'kyiv', value: POISON })
  await bench.read('kyiv/1')
  const [run] = bench.session.lanes
  if (!run) throw new Error('there is no lane')
  expect(run.lane.state).toBe('barrier')

  bench.session.tell(run, (lane, at) => lane.renew(at))
  await bench.settle()
  const releaseSecond = hold(bench)
  await releaseFirst()
  const releaseThird = hold(bench)
  await releaseSecond()
  expect(bench.deadLetters).toHaveLength(2)
  expect(endpoint.sent).toEqual([])
  await releaseThird()

  expect(endpoint.sent).toEqual(['kyiv/1'])
})
