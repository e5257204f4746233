import { describe, expect, it } from 'vitest'
import { FakeBroker } from '../../simulation/fake-broker.ts'
import type { GroupEnvironment, LogEnvironment } from '../../support/conformance/environments.ts'
import { Ledger, type Outcome } from '../../support/conformance/ledger.ts'
import { waitsForPermission, writesRecords } from '../../support/conformance/log-producer.ts'
import { keepsOffsets, readsPartitions } from '../../support/conformance/partition-consumer.ts'
import { simulatedGroup, simulatedLog } from '../../support/conformance/simulated.ts'
import { Witness } from '../../support/conformance/witness.ts'
import { FakeConsumer } from '../../support/fake-consumer.ts'
import { logInMemory } from '../../support/normalizer-fakes.ts'

/** What stands in the place of Kafka in other tests keeps the same promises, as far as it goes. */

const WITHIN_MS = 10_000

describe('the log in memory', () => {
  writesRecords(async (): Promise<LogEnvironment> => {
    const log = logInMemory()
    return {
      topic: 'calls',
      aProducer: async () => log,
      written: async () =>
        log.records.map(({ value }, offset) => ({ offset, value: value.toString() })),
    }
  })
})

describe('the producer of the simulation', () => {
  writesRecords(() => simulatedLog())
  waitsForPermission(() => simulatedLog())

  it('keeps its word whatever gets lost', async () => {
    const chances = { produceFails: 0.3, acknowledgementLost: 0.3, leaderMoves: 0.3 }
    const { topic, aProducer, written } = await simulatedLog(chances, 2_000)
    const producer = await aProducer()
    const ledger = new Ledger()

    const outcomes = new Set<string>()
    for (let wave = 0; wave < 100; wave++) {
      const values = ['a', 'b', 'c'].map((name) => Buffer.from(`${name}${wave}`))
      const sends = values.map((value) =>
        ledger.send(producer, { topic, partition: 0, key: 'kyiv', value }),
      )
      for (const outcome of await Promise.all(sends)) outcomes.add(kindOf(outcome))
    }

    expect([...outcomes].sort()).toEqual(['not-written', 'perhaps-written', 'written'])
    expect(ledger.contradictions(0, await written(0))).toEqual([])
  })
})

function kindOf(outcome: Outcome): string {
  return typeof outcome === 'number' ? 'written' : outcome
}

describe('a consumer whose group a test coordinates', () => {
  keepsOffsets(async (): Promise<GroupEnvironment> => {
    const broker = new FakeBroker(3, () => 0)
    const members: FakeConsumer[] = []
    const topics = ['calls', 'lanes'] as const
    return {
      topics,
      async aMember() {
        const consumer = new FakeConsumer(broker, `member ${members.length}`)
        members.push(consumer)
        return { consumer, witness: new Witness(topics) }
      },
      async append(topic, partition, ...values) {
        for (const value of values) {
          broker.append(topic, partition, { key: 'kyiv', value: Buffer.from(value), headers: {} })
        }
      },
      async expelAll() {
        for (const member of members) broker.leave(member)
      },
    }
  }, WITHIN_MS)
})

describe('a consumer of the simulation', () => {
  keepsOffsets(simulatedGroup, WITHIN_MS)
  readsPartitions(simulatedGroup, WITHIN_MS)
})
