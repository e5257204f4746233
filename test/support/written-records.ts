import type { LogRecord } from '../../services/shared/kafka/producer.ts'
import type { FakeKafka } from './fake-kafka/fake-kafka.ts'
import type { SeenRequest } from './fake-kafka/faults.ts'
import { decodeBatch } from './fake-kafka/record-batch.ts'

/** Records of the topic `calls` that are told apart by their value. */
export function record(value: string, partition: number): LogRecord {
  return { topic: 'calls', key: 'kyiv', value: Buffer.from(value), partition }
}

export function valuesIn(kafka: FakeKafka, partition: number): string[] {
  return kafka.records('calls', partition).map(({ value }) => value.toString())
}

/** What a Produce request wants to write; nothing for another request. */
export function valuesOf(request: SeenRequest): string[] {
  if (request.api !== 'Produce') return []
  const batches = request.body.topics.flatMap(({ partitions }) => partitions)
  return batches.flatMap(({ batch }) =>
    decodeBatch(batch, 0).records.map(({ value }) => value.toString()),
  )
}
