import { expect, it } from 'vitest'
import { failed, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by the simulation: a record of a process that had been frozen beyond its lease won the rebuild.
 *
 * Set-up     first owns the partition and has a request of kyiv open. A lane record carries a version
 *            that grows with the clock, and of several records the newest wins.
 *
 * Timeline   first     kyiv/1 sent ── frozen ………………………… thawed: ✗ 500, writes a record, version "now"
 *            second                    owns the partition, delivers kyiv/1
 *            third                                                    rebuilds: whose record is newer?
 *
 * Proves     a process whose lease is over writes nothing, until a heartbeat says that it is still in.
 */
it('a process that is not sure to own its partition writes no lane record', async () => {
  const { bench } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')

  bench.consumer.isInLease = false
  await bench.answer('kyiv/1', failed())
  await bench.pass(seconds(3))
  expect(bench.laneRecords).toEqual([])

  bench.engine.sessions.revoked([0], true)
  bench.consumer.isInLease = true
  await bench.pass(seconds(3))
  expect(bench.laneRecords).toEqual([])
})

it('and writes it as soon as a heartbeat got through', async () => {
  const { bench } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')
  bench.consumer.isInLease = false
  await bench.answer('kyiv/1', failed())

  bench.consumer.isInLease = true
  await bench.pass(seconds(1))

  expect(bench.laneRecords).toEqual(['calls.retry.5s kyiv@0'])
})
