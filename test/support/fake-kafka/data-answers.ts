import { type Asked, HOST } from './asked.ts'
import type { Partition } from './cluster.ts'
import { ERRORS } from './error-codes.ts'
import type { ApiName, ResponseBody } from './messages.ts'

type TopicOf<A extends ApiName> = ResponseBody<A> extends { topics: (infer T)[] } ? T : never

export function answerMetadata(asked: Asked<'Metadata'>): ResponseBody<'Metadata'> {
  const { request, trouble, cluster, portOf } = asked
  const topics = (request.body.topics ?? cluster.topics).filter((name) => !trouble.isOmitted(name))
  return {
    throttleMs: 0,
    brokers: cluster.alive.map((id) => ({ id, host: HOST, port: portOf(id), rack: null })),
    clusterId: 'fake',
    controllerId: cluster.alive[0] ?? -1,
    topics: topics.map((topic) => describeTopic(asked, topic)),
  }
}

function describeTopic(
  { request, trouble, cluster }: Asked<'Metadata'>,
  topic: string,
): TopicOf<'Metadata'> {
  const partitions = cluster.partitionsOf(topic)
  const planned = trouble.errorCode(topic)
  const errorCode = partitions ? planned : ERRORS.UNKNOWN_TOPIC_OR_PARTITION
  if (!partitions || errorCode !== ERRORS.NONE) {
    return { errorCode, topic, isInternal: false, partitions: [] }
  }
  const described = partitions.map((_, partition) => {
    const leader = cluster.leaderInEyesOf(request.broker, topic, partition)
    const isr = [...cluster.alive]
    const planned = trouble.errorCode(topic, partition)
    return { errorCode: planned, partition, leader, replicas: isr, isr, offline: [] }
  })
  const told = described.filter(({ partition }) => !trouble.isOmitted(topic, partition))
  return { errorCode, topic, isInternal: false, partitions: told }
}

/** The partition where this broker may serve it, else the error that it answers. */
function ledPartition(
  { request, trouble, cluster }: Asked<'Produce' | 'Fetch' | 'ListOffsets'>,
  topic: string,
  partition: number,
): Partition | number {
  const planned = trouble.errorCode(topic, partition)
  if (planned !== ERRORS.NONE) return planned
  const found = cluster.inEyesOf(request.broker, topic, partition)
  if (!found) return ERRORS.UNKNOWN_TOPIC_OR_PARTITION
  return found.leader === request.broker ? found : ERRORS.NOT_LEADER_FOR_PARTITION
}

export function answerProduce(asked: Asked<'Produce'>): ResponseBody<'Produce'> {
  const append = (topic: string, partition: number, batch: Buffer) => {
    const led = ledPartition(asked, topic, partition)
    const { errorCode, baseOffset } =
      typeof led === 'number'
        ? { errorCode: led, baseOffset: -1 }
        : asked.cluster.append(topic, partition, batch)
    return { partition, errorCode, baseOffset, logAppendTime: -1, logStartOffset: 0 }
  }
  const topics = asked.request.body.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition, batch }) => append(topic, partition, batch)),
  }))
  return { topics, throttleMs: 0 }
}

/** Waits for records as long as the client wants to, as a broker does. */
export async function answerFetch(asked: Asked<'Fetch'>): Promise<ResponseBody<'Fetch'>> {
  const { body } = asked.request
  const until = Date.now() + body.maxWaitMs
  for (;;) {
    const topics = readTopics(asked)
    const found = topics.flatMap(({ partitions }) => partitions)
    const size = found.reduce((sum, { batches }) => sum + batches.length, 0)
    const hasError = found.some(({ errorCode }) => errorCode !== ERRORS.NONE)
    const left = until - Date.now()
    if (size >= body.minBytes || hasError || left <= 0) {
      return { throttleMs: 0, errorCode: asked.trouble.errorCode(), sessionId: 0, topics }
    }
    await asked.cluster.nextChange(left)
  }
}

function readTopics(asked: Asked<'Fetch'>): TopicOf<'Fetch'>[] {
  let left = asked.request.body.maxBytes
  return asked.request.body.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((wanted) => {
      const bytesMax = Math.min(wanted.maxBytes, left)
      const read = readPartition(asked, topic, { ...wanted, maxBytes: bytesMax })
      left -= read.batches.length
      return read
    }),
  }))
}

interface Wanted {
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
}

function readPartition(asked: Asked<'Fetch'>, topic: string, wanted: Wanted) {
  const { partition, offset, maxBytes } = wanted
  const led = ledPartition(asked, topic, partition)
  const nothing = { aborted: [], batches: Buffer.alloc(0) }
  if (typeof led === 'number') {
    const unknown = { highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 }
    return { partition, errorCode: led, ...unknown, ...nothing }
  }
  const { low, high } = led.log
  const known = { highWatermark: high, lastStableOffset: high, logStartOffset: low }
  if (offset < low || offset > high) {
    return { partition, errorCode: ERRORS.OFFSET_OUT_OF_RANGE, ...known, ...nothing }
  }
  const batches = maxBytes > 0 ? led.log.read(offset, maxBytes) : nothing.batches
  return { partition, errorCode: ERRORS.NONE, ...known, ...nothing, batches }
}

export function answerListOffsets(asked: Asked<'ListOffsets'>): ResponseBody<'ListOffsets'> {
  const topics = asked.request.body.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions
      .filter(({ partition }) => !asked.trouble.isOmitted(topic, partition))
      .map(({ partition, timestamp }) => {
        const led = ledPartition(asked, topic, partition)
        if (typeof led === 'number') {
          return { partition, errorCode: led, timestamp: -1, offset: -1 }
        }
        return { partition, errorCode: ERRORS.NONE, ...offsetAt(led, timestamp) }
      }),
  }))
  const told = topics.filter(({ topic }) => !asked.trouble.isOmitted(topic))
  return { throttleMs: 0, topics: told }
}

const LATEST = -1
const EARLIEST = -2

function offsetAt({ log }: Partition, timestamp: number): { timestamp: number; offset: number } {
  if (timestamp === LATEST) return { timestamp: -1, offset: log.high }
  if (timestamp === EARLIEST) return { timestamp: -1, offset: log.low }
  const found = log.records.find((record) => record.timestamp >= timestamp)
  return found ?? { timestamp: -1, offset: -1 }
}

export function answerInitProducerId({
  trouble,
  cluster,
}: Asked<'InitProducerId'>): ResponseBody<'InitProducerId'> {
  const errorCode = trouble.errorCode()
  if (errorCode !== ERRORS.NONE) {
    return { throttleMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
  }
  const producerId = cluster.newProducerId()
  return { throttleMs: 0, errorCode, producerId, producerEpoch: 0 }
}
