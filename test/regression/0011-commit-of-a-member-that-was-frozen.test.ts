import { expect, it } from 'vitest'
import { failed } from '../support/builders.ts'
import { aDispatcher, TOPICS } from '../support/workbench.ts'

/*
 * Found by the simulation: a member was frozen while its partition went to another one. When it woke
 * it committed that partition once more, further than the new owner had read, since its own lane
 * record covered the rest. At the next rebalance kafkajs would go on at that commit, and the events
 * in between were never read by anybody.
 *
 * Timeline   frozen    lane record covers 0 and 1 ……………………………… wakes, commits 2
 *            owner             reads the record, stands at 1             rebalance: goes on at 2?
 *
 * Proves     an owner tells where it stands itself, whatever is committed.
 */
it('a partition that is kept over a rebalance goes on where its owner stands', async () => {
  const { bench } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')
  await bench.answer('kyiv/1', failed())
  await bench.read('kyiv/2')

  const positions = bench.engine.sessions.positions(0)

  expect(positions?.get(TOPICS.events)).toBe(2)
  expect(positions?.get(TOPICS.retry('5s'))).toBe(bench.laneRecords.length)
  expect(bench.engine.sessions.positions(1)).toBeNull()
})
