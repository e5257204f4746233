import type { KafkaMessage } from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type LostRecords,
  PartitionFetcher,
} from '../../../../services/shared/kafka/partition-fetcher.ts'
import type { FetchRequest } from '../../../../services/shared/kafka/wire/api.ts'
import type { ClusterLink } from '../../../../services/shared/kafka/wire/cluster-link.ts'
import { CODE } from '../../../../services/shared/kafka/wire/error-codes.ts'
import type {
  FetchAnswer,
  FetchedPartition,
} from '../../../../services/shared/kafka/wire/fetch-answer.ts'
import { quiet } from '../../../support/builders.ts'
import { ManualClock, quiescence } from '../../../support/manual-clock.ts'

const TOPIC = 'calls'
const NODE = { nodeId: 1, host: 'broker', port: 1 }

interface Logged {
  readonly value: string
  readonly timestamp: number
}

/** One broker with the partitions 0 and 1, whose logs a test changes as it likes. */
class OneBroker {
  /** Null: the topic is not there. */
  readonly logs: (Logged[] | null)[] = [[], []]
  /** Partitions whose next batch cannot be unpacked. */
  readonly packed = new Set<number>()
  #waiting: (() => void)[] = []

  readonly link = {
    nodes: [NODE],
    refresh: async () => undefined,
    leaderOf: () => NODE,
    requireLeader: async () => NODE,
    ask: (_node: unknown, { name }: { name: string }, request: object) =>
      this.#answer(name, request),
  } as unknown as ClusterLink

  /** Lets the polls that are open end. */
  async poll(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    for (const answer of waiting) answer()
    await quiescence()
  }

  async #answer(name: string, request: object): Promise<object> {
    if (name === 'Fetch') {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      return this.#fetched(request as FetchRequest)
    }
    if (name === 'ListOffsets') return this.#offsets(request as never)
    return metadata()
  }

  #fetched({ topics }: FetchRequest): FetchAnswer {
    const partitions = topics.flatMap((topic) =>
      topic.partitions.map((wanted) => this.#read(wanted.partition, Number(wanted.fetchOffset))),
    )
    return { responses: [{ topicName: TOPIC, partitions }] }
  }

  #read(partition: number, offset: number): FetchedPartition {
    const log = this.logs[partition]
    const nothing = { partition, abortedTransactions: [], batches: [], unreadable: null }
    if (!log) return { ...nothing, errorCode: CODE.UNKNOWN_TOPIC_OR_PARTITION, highWatermark: '-1' }
    const highWatermark = String(log.length)
    if (offset > log.length) {
      return { ...nothing, errorCode: CODE.OFFSET_OUT_OF_RANGE, highWatermark }
    }
    const found = { ...nothing, errorCode: CODE.NONE, highWatermark }
    if (this.packed.has(partition)) return { ...found, unreadable: new Error('LZ4') }
    const batches = log.slice(offset).map((record, index) => batchOf(record, offset + index))
    return { ...found, batches }
  }

  #offsets({ topics }: { topics: { partitions: { partition: number; timestamp: string }[] }[] }) {
    const partitions = topics.flatMap((topic) =>
      topic.partitions.map(({ partition, timestamp }) => ({
        partition,
        errorCode: CODE.NONE,
        timestamp: '-1',
        offset: timestamp === '-2' ? '0' : String(this.logs[partition]?.length ?? 0),
      })),
    )
    return { responses: [{ topic: TOPIC, partitions }] }
  }
}

function batchOf({ value, timestamp }: Logged, offset: number) {
  const record = {
    key: Buffer.from('kyiv'),
    value: Buffer.from(value),
    timestamp: String(timestamp),
    offset: String(offset),
  } as KafkaMessage
  return {
    lastOffset: offset,
    producerId: '-1',
    isTransactional: false,
    marker: null,
    records: [record],
  }
}

function metadata() {
  const partition = (partitionId: number) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: NODE.nodeId,
    replicas: [1],
    isr: [1],
  })
  return {
    brokers: [NODE],
    topicMetadata: [
      { topicErrorCode: 0, topic: TOPIC, partitionMetadata: [partition(0), partition(1)] },
    ],
  }
}

/** Reads both partitions from their start. */
async function reading() {
  const broker = new OneBroker()
  const clock = new ManualClock()
  const taken: string[] = []
  const lost: LostRecords[] = []
  const fetcher = new PartitionFetcher({
    link: broker.link,
    onRecords: (_topic, partition, messages) => {
      taken.push(...messages.map(({ value }) => `${partition} ${value}`))
      return messages.length
    },
    onLost: (one) => lost.push(one),
    clock,
    logger: quiet,
  })
  onTestFinished(() => fetcher.stop())
  for (const partition of [0, 1]) {
    fetcher.add(TOPIC, partition)
    fetcher.seek(TOPIC, partition, 0)
    fetcher.resume(TOPIC, partition)
  }
  await quiescence()
  /** A second, in which it polls as often as it likes. */
  const aWhile = async () => {
    for (let times = 0; times < 5; times++) {
      await broker.poll()
      await clock.pass(200)
    }
  }
  return { broker, fetcher, clock, taken, lost, aWhile }
}

const records = (count: number, timestamp: number): Logged[] =>
  Array.from({ length: count }, (_, index) => ({ value: `${timestamp}/${index}`, timestamp }))

describe('a topic that was away for a moment', () => {
  it('is read on when it is the same', async () => {
    const { broker, taken, lost, aWhile } = await reading()
    const log = records(2, 1)
    broker.logs[0] = log
    await aWhile()

    broker.logs[0] = null
    await aWhile()
    broker.logs[0] = [...log, { value: 'new', timestamp: 2 }]
    await aWhile()

    expect(taken).toEqual(['0 1/0', '0 1/1', '0 new'])
    expect(lost).toEqual([])
  })

  it('is read from its start when it was made anew, however long it is by then', async () => {
    const { broker, taken, lost, aWhile } = await reading()
    broker.logs[0] = records(2, 1)
    await aWhile()

    broker.logs[0] = null
    await aWhile()
    broker.logs[0] = records(4, 2)
    await aWhile()

    expect(taken.slice(2)).toEqual(['0 2/0', '0 2/1', '0 2/2', '0 2/3'])
    expect(lost).toEqual([{ topic: TOPIC, partition: 0, from: 2, to: 0 }])
  })

  it('is read from its start when it is shorter than before', async () => {
    const { broker, taken, lost, aWhile } = await reading()
    broker.logs[0] = records(3, 1)
    await aWhile()

    broker.logs[0] = records(1, 2)
    await aWhile()

    expect(taken.slice(3)).toEqual(['0 2/0'])
    expect(lost).toEqual([{ topic: TOPIC, partition: 0, from: 3, to: 0 }])
  })
})

describe('records that cannot be decoded', () => {
  it('stop their own partition, which says so, and no other', async () => {
    const { broker, fetcher, taken, clock, aWhile } = await reading()
    broker.packed.add(0)
    broker.logs[0] = records(1, 1)
    await aWhile()
    broker.logs[1] = records(1, 2)
    await aWhile()

    expect(taken).toEqual(['1 2/0'])
    expect(fetcher.unreadable).toEqual([{ topic: TOPIC, partition: 0, offset: 0 }])

    // Somebody took them out.
    broker.packed.clear()
    await clock.pass(5_000)
    await aWhile()
    expect(taken).toEqual(['1 2/0', '0 1/0'])
    expect(fetcher.unreadable).toEqual([])
  })
})
