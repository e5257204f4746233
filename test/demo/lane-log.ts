import { topicNames } from '../../services/shared/kafka/topics.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { pathOf } from './event-key.ts'
import { type FollowedRecord, followTopics } from './follow-topics.ts'

/** A head that was written to a retry topic, or to the catch-up topic. */
export interface SeenLaneRecord {
  readonly workspaceId: string
  readonly topic: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Offset of the head in the events topic. */
  readonly cursor: number
  /** Number of the attempt that comes next. */
  readonly attempt: number
}

export interface SeenDeadLetter {
  readonly workspaceId: string
  readonly topic: string
  /** See `pathOf`. */
  readonly path: string
  /** Log time, milliseconds since 1970. */
  readonly at: number
  readonly reason: string
  readonly attempts: number
}

/** Reads what the dispatcher writes for lanes that fail: their records and their dead letters. */
export class LaneLog {
  readonly records: SeenLaneRecord[] = []
  readonly deadLetters: SeenDeadLetter[] = []
  #following: { stop(): Promise<void> } | null = null

  /** `tiers`: the delays of the schedule, such as `1s`. Resolves when it reads. */
  static async follow(
    env: Readonly<Record<string, string>>,
    tiers: readonly string[],
  ): Promise<LaneLog> {
    const names = topicNames(kafkaConfigOf(env).topicPrefix)
    const log = new LaneLog()
    log.#following = await followTopics(env, {
      topics: [names.deadLetter, names.catchUp, ...tiers.map((tier) => names.retry(tier))],
      group: 'demo-lanes',
      onRecord: (record) => {
        if (record.topic === names.deadLetter) log.deadLetters.push(deadLetterOf(record))
        else log.records.push(laneRecordOf(record))
      },
    })
    return log
  }

  async stop(): Promise<void> {
    await this.#following?.stop()
  }
}

function deadLetterOf({ topic, event, at, headers }: FollowedRecord): SeenDeadLetter {
  return {
    workspaceId: event.workspaceId,
    topic,
    path: pathOf(event),
    at,
    reason: headers['dead-reason'] ?? '',
    attempts: Number(headers['dead-attempts']),
  }
}

function laneRecordOf({ topic, event, at, headers }: FollowedRecord): SeenLaneRecord {
  return {
    workspaceId: event.workspaceId,
    topic,
    at,
    cursor: Number(headers['lane-cursor']),
    attempt: Number(headers['lane-attempt']),
  }
}
