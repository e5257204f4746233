import { expect, it } from 'vitest'
import { failed, seconds } from '../support/builders.ts'
import { aDispatcher, TOPICS } from '../support/workbench.ts'

/*
 * Found by seed 28665: a process that had been frozen told that a back-fill was done, since in its
 * own view all of the range was still to come. Its successor had delivered further, and had still to
 * go back. The customer's page showed "done", and the gap counted as filled.
 *
 * Timeline   first     kyiv/1 ✗, waits ── frozen ………………………… thawed: reads the back-fill, "all to come"
 *            second                        delivers kyiv/1 … kyiv/9;  back-fill from kyiv/2 asked
 *
 * Proves     a process whose lease is over calls no back-fill done, and commits nothing of it, until a
 *            heartbeat says that it is still in.
 */
async function aFrozenProcess() {
  const { bench } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')
  await bench.answer('kyiv/1', failed())
  await bench.read('kyiv/2')
  bench.consumer.isInLease = false
  await bench.rewind(1, { id: 'bf_1' })
  await bench.pass(seconds(3))
  return bench
}

it('a process that is not sure to own its partition calls no back-fill done', async () => {
  const bench = await aFrozenProcess()
  expect(bench.ended).toEqual([])

  bench.engine.sessions.revoked([0], true)
  bench.consumer.isInLease = true
  await bench.pass(seconds(3))

  expect(bench.ended).toEqual([])
})

it('and tells it as soon as a heartbeat got through, before a commit settles the request', async () => {
  const bench = await aFrozenProcess()
  const { offset: unsure } = await bench.committed(TOPICS.catchUp)

  bench.consumer.isInLease = true
  await bench.pass(seconds(2))
  const { offset: sure } = await bench.committed(TOPICS.catchUp)

  expect(bench.ended).toEqual([{ id: 'bf_1', isThrough: true }])
  expect([unsure, sure]).toEqual([0, 1])
})
