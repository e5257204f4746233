import type { Clock } from '../../shared/clock.ts'
import { RecordRefusedError, type RefusedReason } from '../../shared/kafka/produce-error.ts'
import type { LogProducer, LogRecord } from '../../shared/kafka/producer.ts'
import { MESSAGE_BYTES_MAX, recordBytes } from '../../shared/kafka/record-size.ts'
import type { TopicNames } from '../../shared/kafka/topics.ts'
import { type LaneHead, toHeaders } from '../../shared/lane-record.ts'
import type { Logger } from '../../shared/logger.ts'
import { createTrouble } from '../../shared/trouble.ts'
import { deadLetterRecord, withoutValue } from './dead-letter.ts'
import type { Ownership, RecordSave, Saved, SessionPorts } from './session-ports.ts'

/**
 * Writes lane records and dead letters. The partition is that of the events topic, told outright:
 * the owner of a lane's events has to be the owner of its records.
 *
 * Each is tried until it is durable: the lane waits meanwhile, and an event that was not delivered
 * and stands nowhere else would be lost. What Kafka refuses for what it is will never be durable:
 * that is an answer, and the lane goes on by it.
 */
const TRY_AGAIN_MS = 200

export function createLaneWriter(options: {
  readonly producer: LogProducer
  readonly names: TopicNames
  readonly clock: Clock
  readonly logger: Logger
}): Pick<SessionPorts, 'saveRecord' | 'bury'> {
  const { producer, names, clock, logger } = options
  const [begins, ends] = ['lane_record.not_durable_yet', 'lane_record.durable_again']
  const trouble = createTrouble({ begins, ends, clock, logger })

  async function sendUntilAnswered(record: LogRecord, owner: Ownership): Promise<Saved> {
    const mayWrite = () => {
      if (owner.isGone()) return 'never'
      return owner.isCertain() ? 'yes' : 'not_yet'
    }
    while (!owner.isGone()) {
      try {
        if (owner.isCertain()) {
          const offset = await producer.send(record, { mayWrite })
          trouble.over()
          return { kind: 'durable', offset }
        }
      } catch (error) {
        if (error instanceof RecordRefusedError) return { kind: 'refused', reason: error.reason }
        trouble.met(error, { topic: record.topic })
      }
      await clock.sleep(TRY_AGAIN_MS)
    }
    return { kind: 'gone' }
  }

  async function saveRecord({ partition, record, tier }: RecordSave, owner: Ownership) {
    const sent = { topic: topicOf(tier), partition, ...laneRecord(record) }
    const saved = await sendUntilAnswered(sent, owner)
    if (saved.kind === 'refused') tellRefused('lane_record.refused', sent, saved.reason)
    return saved
  }

  function topicOf(tier: string | null): string {
    return tier === null ? names.catchUp : names.retry(tier)
  }

  function tellRefused(event: string, record: LogRecord, reason: RefusedReason): void {
    const { topic, partition, key: workspaceId, value, headers = {} } = record
    const offset = headers['lane-cursor'] ?? headers['dead-origin-offset']
    const facts = { topic, partition, workspaceId, offset, bytes: value.length, reason }
    logger.error(facts, event)
  }

  return {
    saveRecord,
    bury: async (letter, owner) => {
      const whole = { topic: names.deadLetter, ...deadLetterRecord(letter) }
      const { kind } = await sendUntilAnswered(whole, owner)
      if (kind !== 'refused') return
      const rest = { topic: names.deadLetter, ...withoutValue(whole) }
      const saved = await sendUntilAnswered(rest, owner)
      // The table of dead letters and this line are all that is left of it; the lane goes on.
      if (saved.kind === 'refused') tellRefused('dead_letter.refused', rest, saved.reason)
    },
  }
}

function laneRecord(record: RecordSave['record']): Omit<LogRecord, 'topic'> {
  return { key: record.workspaceId, value: record.head.value, headers: toHeaders(record) }
}

/** Bytes of all headers of a lane record at their longest; a test adds them up. */
export const LANE_HEADERS_BYTES_MAX = 2_500

/**
 * Whether an event that failed can wait in a lane record. One that we accepted can; somebody else may
 * have written a larger one into the log.
 */
export function canWait(workspaceId: string, { value }: LaneHead): boolean {
  return recordBytes({ key: workspaceId, value }) + LANE_HEADERS_BYTES_MAX <= MESSAGE_BYTES_MAX
}
