import kafkajs, { type Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { clusterOf } from '../../../../services/shared/kafka/log-reader.ts'

describe('cluster of kafkajs, taken out by its private symbol', () => {
  it('has every call that reading the log without a group relies on', () => {
    const kafka = new kafkajs.Kafka({
      brokers: ['127.0.0.1:1'],
      logLevel: kafkajs.logLevel.NOTHING,
    })

    expect(clusterOf(kafka)).toMatchObject({
      connect: expect.any(Function),
      disconnect: expect.any(Function),
      isConnected: expect.any(Function),
      addMultipleTargetTopics: expect.any(Function),
      refreshMetadata: expect.any(Function),
      findTopicPartitionMetadata: expect.any(Function),
      findLeaderForPartitions: expect.any(Function),
      findBroker: expect.any(Function),
      fetchTopicsOffset: expect.any(Function),
    })
  })

  it('is missed with a sentence that says where to look', () => {
    expect(() => clusterOf({} as Kafka)).toThrow(
      'kafkajs has changed inside: see services/shared/kafka/log-reader.ts',
    )
  })
})
