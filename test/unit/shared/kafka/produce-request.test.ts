import { expect, it } from 'vitest'
import { PartitionQueue } from '../../../../services/shared/kafka/partition-queue.ts'
import { appendedAt } from '../../../../services/shared/kafka/produce-request.ts'
import { NOON } from '../../../support/builders.ts'

function aQueue(topic: string, tries: number) {
  const queue = new PartitionQueue(topic, 0)
  const identity = { producerId: '1', producerEpoch: 0 }
  const deadline = NOON
  queue.batch = { records: [], identity, firstSequence: 0, deadline, mayBeWritten: false, tries }
  return queue
}

function answer(times: Readonly<Record<string, string>>) {
  const topics = Object.entries(times).map(([topicName, logAppendTime]) => ({
    topicName,
    partitions: [{ partition: 0, errorCode: 0, baseOffset: '7', logAppendTime }],
  }))
  return { topics }
}

it('the time of the broker is told by a topic that takes its times from there', () => {
  const queues = [aQueue('retry', 1), aQueue('events', 1)]

  expect(appendedAt(queues, answer({ retry: '-1', events: String(NOON) }))).toBe(NOON)
  expect(appendedAt(queues, answer({ retry: '-1' }))).toBeNull()
})

it('a batch that was sent again tells the time of its first try, which proves nothing', () => {
  expect(appendedAt([aQueue('events', 2)], answer({ events: String(NOON) }))).toBeNull()
})
