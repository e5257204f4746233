import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'

/*
 * Found by the simulation: a member was frozen while its partition went to another one. When it woke
 * it committed that partition once more, further than the new owner had read, since its own lane
 * record covered the rest. At the next rebalance kafkajs went on at that commit, and the events in
 * between were never read by anybody.
 *
 * Timeline   frozen    lane record covers 0 and 1 ……………………………… wakes, commits 2
 *            owner             reads the record, stands at 1             rebalance: goes on at 2?
 *
 * Proves     a partition that is kept goes on where its owner stands, whatever is committed.
 */
it('a partition that is kept over a rebalance goes on where its owner stands', async () => {
  const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 2 } })
  for (const partition of [0, 1]) kafka.append('calls', partition, { value: '0' })
  const { owner } = await aConsumer()
  await eventually(() => expect(owner.taken).toHaveLength(2))
  for (const partition of [0, 1]) kafka.commit('group', 'calls', partition, 2)

  const second = await aConsumer()
  await eventually(() => expect([owner.owned.size, second.owner.owned.size]).toEqual([1, 1]), 5_000)
  const [kept = -1] = owner.owned
  kafka.append('calls', kept, { value: '1' }, { value: '2' })

  await eventually(() =>
    expect(owner.taken.slice(2)).toEqual([`calls/${kept} 1`, `calls/${kept} 2`]),
  )
})
