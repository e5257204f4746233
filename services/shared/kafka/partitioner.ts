import kafkajs from 'kafkajs'

/** Which partition a key belongs to: murmur2, the same in every client of Kafka. */
export const createPartitioner = kafkajs.Partitioners.DefaultPartitioner

const partitioner = createPartitioner()

/** The partition that `startLogProducer` gives to the records of this key. */
export function partitionOfKey(key: string, partitions: number): number {
  // The partitioner only counts these; whether one has a leader matters for records without a key.
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [],
    isr: [],
  }))
  return partitioner({ topic: '', partitionMetadata, message: { key, value: null } })
}
