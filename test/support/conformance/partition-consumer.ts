import { describe, expect, it } from 'vitest'
import { eventually } from '../eventually.ts'
import { type GroupEnvironment, type KafkaEnvironment, PARTITIONS } from './environments.ts'
import { Ledger, startLoad } from './ledger.ts'

/**
 * What the owners of partitions rely on of `PartitionConsumer`, as tests: for the real one on fake
 * brokers and on three real ones, and for what stands in its place in other tests.
 */

type MakeGroup<Group = GroupEnvironment> = () => Promise<Group>

const SOME = 6
const RECOVERY_MS = 60_000

export function keepsOffsets(aGroup: MakeGroup, timeout: number): void {
  describe('keeps offsets', { timeout }, () => {
    it('and tells them of everything that was asked for, in its order', async () => {
      const { topics, aMember } = await aGroup()
      const [calls, lanes] = topics
      const { consumer } = await aMember()

      await consumer.commit([
        { topic: calls, partition: 1, offset: 3, metadata: 'three' },
        { topic: lanes, partition: 0, offset: 0, metadata: '' },
      ])

      const committed = await consumer.committed([lanes, calls], [1, 0])
      expect(committed.map((each) => ({ ...each, metadata: each.metadata || null }))).toEqual([
        { topic: lanes, partition: 1, offset: null, metadata: null },
        { topic: lanes, partition: 0, offset: 0, metadata: null },
        { topic: calls, partition: 1, offset: 3, metadata: 'three' },
        { topic: calls, partition: 0, offset: null, metadata: null },
      ])
    })

    it('and tells what the logs of a partition hold', async () => {
      const { topics, aMember, append } = await aGroup()
      const [calls, lanes] = topics
      const { consumer } = await aMember()
      await append(lanes, 2, 'a', 'b')

      const ranges = await consumer.ranges(topics, 2)

      expect(ranges.get(calls)).toEqual({ low: 0, high: 0 })
      expect(ranges.get(lanes)).toEqual({ low: 0, high: 2 })
    })

    it('and takes none from a member that was thrown out', async () => {
      const { topics, aMember, expelAll } = await aGroup()
      const [topic] = topics
      const { consumer, witness } = await aMember()
      const commit = (offset: number) =>
        consumer.commit([{ topic, partition: 0, offset, metadata: '' }])
      await commit(1)

      await expelAll()

      await expect(commit(2)).rejects.toThrow()
      // At once, not only when its lease has run out: others have its partitions. Unless it has found
      // out before, and has joined anew.
      const hasJoinedAnew = witness.told.length > 2
      expect(consumer.isInLease && !hasJoinedAnew).toBe(false)
      const [committed] = await eventually(() => consumer.committed([topic], [0]))
      expect(committed?.offset).toBe(1)
    })
  })
}

export function readsPartitions(aGroup: MakeGroup, timeout: number): void {
  describe('reads partitions', { timeout }, () => {
    it('in order, from the committed offset on', async () => {
      const { topics, aMember, append } = await aGroup()
      const [calls, lanes] = topics
      await append(calls, 0, 'a', 'b', 'c', 'd')
      await append(lanes, 0, 'e')
      const { consumer, witness } = await aMember()
      await eventually(() => expect(witness.valuesOf(calls, 0)).toEqual(['a', 'b', 'c', 'd']))
      await consumer.commit([{ topic: calls, partition: 0, offset: 2, metadata: '' }])
      await consumer.stop()

      const next = await aMember()
      await append(calls, 0, 'f')

      await eventually(() => expect(next.witness.valuesOf(calls, 0)).toEqual(['c', 'd', 'f']))
      await eventually(() => expect(next.witness.valuesOf(lanes, 0)).toEqual(['e']))
      expect(next.witness.offsetsOf(calls, 0)).toEqual([2, 3, 4])
    })

    it('and offers again what was not taken over', async () => {
      const { topics, aMember, append } = await aGroup()
      const [topic] = topics
      const { witness } = await aMember()
      witness.appetite.push(0, 1, 0)

      await append(topic, 1, 'a', 'b', 'c')

      await eventually(() => expect(witness.valuesOf(topic, 1)).toEqual(['a', 'b', 'c']))
    })

    it('unless they are paused, and from where its owner says', async () => {
      const { topics, aMember, append } = await aGroup()
      const [calls, lanes] = topics
      const { consumer, witness } = await aMember()
      await append(calls, 0, 'a', 'b', 'c')
      await eventually(() => expect(witness.valuesOf(calls, 0)).toEqual(['a', 'b', 'c']))

      consumer.pause(calls, 0)
      consumer.seek(calls, 0, 1)
      await append(calls, 0, 'd')
      await append(lanes, 0, 'meanwhile')
      await eventually(() => expect(witness.valuesOf(lanes, 0)).toEqual(['meanwhile']))
      expect(witness.valuesOf(calls, 0)).toHaveLength(3)
      consumer.resume(calls, 0)

      await eventually(() => expect(witness.valuesOf(calls, 0).slice(3)).toEqual(['b', 'c', 'd']))
    })
  })

  describe('tells its owner', { timeout }, () => {
    it('what another member gets, before that one has it, and goes on with the rest', async () => {
      const { topics, aMember, append } = await aGroup()
      const [topic] = topics
      const { witness } = await aMember()
      for (const partition of PARTITIONS) await append(topic, partition, 'a', 'b')
      await eventually(() => expect(witness.taken).toHaveLength(6))

      const { witness: other } = await aMember()
      await eventually(() => {
        expect([...witness.owned, ...other.owned].sort()).toEqual(PARTITIONS)
        expect(other.owned.size).toBeGreaterThan(0)
      })
      for (const partition of PARTITIONS) await append(topic, partition, 'c')

      for (const kept of witness.owned) {
        await eventually(() => expect(witness.valuesOf(topic, kept)).toEqual(['a', 'b', 'c']))
      }
      for (const gained of other.owned) {
        await eventually(() => expect(other.valuesOf(topic, gained)).toEqual(['a', 'b', 'c']))
      }
      expect(witness.told).toEqual(['expelled', 'assigned 0,1,2', `revoked ${[...other.owned]}`])
      expect([...witness.strays, ...other.strays]).toEqual([])
    })

    it('that it has lost everything when it was thrown out, before it gets anything', async () => {
      const { topics, aMember, append, expelAll } = await aGroup()
      const [topic] = topics
      const { consumer, witness } = await aMember()
      await append(topic, 0, 'a')
      await eventually(() => expect(witness.valuesOf(topic, 0)).toEqual(['a']))

      await expelAll()
      await eventually(() => expect(witness.told).toHaveLength(4))
      await append(topic, 0, 'b')

      const begun = ['expelled', 'assigned 0,1,2']
      expect(witness.told).toEqual([...begun, 'expelled 0,1,2', 'assigned 0,1,2'])
      // Nothing was committed: as for any new owner of the partition.
      await eventually(() => expect(witness.valuesOf(topic, 0)).toEqual(['a', 'a', 'b']))
      await eventually(() => expect(consumer.isInLease).toBe(true))
    })
  })
}

export function staysInTheGroup(aKafka: MakeGroup<KafkaEnvironment>, timeout: number): void {
  describe('in trouble', { timeout }, () => {
    it('keeps its place and commits when the coordinator moves', async () => {
      const { topics, aMember, moveCoordinator } = await aKafka()
      const [topic] = topics
      const { consumer, witness } = await aMember()
      const commit = (offset: number) =>
        consumer.commit([{ topic, partition: 0, offset, metadata: `at ${offset}` }])
      await commit(1)

      await moveCoordinator()
      await eventually(() => commit(2), RECOVERY_MS)

      const [committed] = await eventually(() => consumer.committed([topic], [0]))
      expect(committed).toMatchObject({ offset: 2, metadata: 'at 2' })
      expect(witness.told).toEqual(['expelled', 'assigned 0,1,2'])
    })

    it('trusts its place no longer than the coordinator has heard of it', async () => {
      const { topics, aMember, coordinator, freeze, thaw, briefSessionMs } = await aKafka()
      const [topic] = topics
      const { consumer } = await aMember({ sessionTimeoutMs: briefSessionMs })
      const broker = await coordinator()

      await freeze(broker)
      const frozenAt = Date.now()
      const commit = consumer.commit([{ topic, partition: 0, offset: 1, metadata: '' }])
      const refused = expect(commit).rejects.toThrow()
      await eventually(() => expect(consumer.failure).not.toBeNull())
      await eventually(() => expect(Date.now()).toBeGreaterThan(frozenAt + briefSessionMs))
      // Soon another broker may coordinate the group, and from then on its place is sure again.
      expect(consumer.isInLease).toBe(false)
      await refused
      await thaw(broker)

      await eventually(() => expect(consumer.isInLease).toBe(true), RECOVERY_MS)
      expect(consumer.failure).toBeNull()
    })

    it('reads every record once and in order when leaders move', async () => {
      const reading = await whileReading(aKafka)

      for (let round = 0; round < 3; round++) {
        await reading.kafka.moveLeaders()
        await reading.goesOn()
      }

      await reading.expectAllRead()
    })

    it('reads every record once and in order when a broker dies and comes back', async () => {
      const reading = await whileReading(aKafka)
      const { kafka } = reading
      const coordinator = await kafka.coordinator()

      await kafka.kill(coordinator)
      await reading.goesOn()
      await kafka.start(coordinator)
      await reading.goesOn()

      await reading.expectAllRead()
    })
  })
}

async function whileReading(aKafka: MakeGroup<KafkaEnvironment>) {
  const kafka = await aKafka()
  const { topic, written } = kafka
  const { witness } = await kafka.aMember()
  const producer = await kafka.aProducer({ timeoutMs: RECOVERY_MS })
  const load = startLoad(producer, new Ledger(), { topic, partitions: PARTITIONS.length })
  const read = () => PARTITIONS.map((partition) => witness.offsetsOf(topic, partition).length)
  async function goesOn(): Promise<void> {
    const before = read()
    await eventually(() => {
      const more = read().map((count, partition) => count - (before[partition] ?? 0))
      expect(Math.min(...more)).toBeGreaterThanOrEqual(SOME)
    }, RECOVERY_MS)
  }
  await goesOn()
  return {
    kafka,
    goesOn,
    async expectAllRead(): Promise<void> {
      await load.stop()
      for (const partition of PARTITIONS) {
        const offsets = (await written(partition)).map(({ offset }) => offset)
        await eventually(() => expect(witness.offsetsOf(topic, partition)).toEqual(offsets))
      }
    },
  }
}
