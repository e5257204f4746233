import type { Clock } from '../../shared/clock.ts'
import type { LogProducer, LogRecord } from '../../shared/kafka/producer.ts'
import type { TopicNames } from '../../shared/kafka/topics.ts'
import { toHeaders } from '../../shared/lane-record.ts'
import type { Logger } from '../../shared/logger.ts'
import { deadLetterRecord } from './dead-letter.ts'
import type { Ownership, SessionPorts } from './session-ports.ts'

/**
 * Writes lane records and dead letters. The partition is that of the events topic, told outright:
 * the owner of a lane's events has to be the owner of its records.
 *
 * Each is tried until it is durable: the lane waits meanwhile, and an event that was not delivered
 * and stands nowhere else would be lost.
 */
const TRY_AGAIN_MS = 200

export function createLaneWriter(options: {
  readonly producer: LogProducer
  readonly names: TopicNames
  readonly clock: Clock
  readonly logger: Logger
}): Pick<SessionPorts, 'saveRecord' | 'bury'> {
  const { producer, names, clock, logger } = options

  async function sendUntilDurable(record: LogRecord, owner: Ownership): Promise<number | null> {
    const mayWrite = () => {
      if (owner.isGone()) return 'never'
      return owner.isCertain() ? 'yes' : 'not_yet'
    }
    while (!owner.isGone()) {
      try {
        if (owner.isCertain()) return await producer.send(record, { mayWrite })
      } catch (error) {
        logger.warn({ topic: record.topic, err: error }, 'lane_record.not_durable_yet')
      }
      await clock.sleep(TRY_AGAIN_MS)
    }
    return null
  }

  return {
    saveRecord: ({ partition, record, tier }, owner) =>
      sendUntilDurable(
        {
          topic: tier === null ? names.catchUp : names.retry(tier),
          partition,
          key: record.workspaceId,
          value: record.head.value,
          headers: toHeaders(record),
        },
        owner,
      ),
    bury: async (letter, owner) => {
      await sendUntilDurable({ topic: names.deadLetter, ...deadLetterRecord(letter) }, owner)
    },
  }
}
