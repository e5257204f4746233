import type { Clock } from '../shared/clock.ts'
import type { KafkaConfig } from '../shared/config.ts'
import { withinMs } from '../shared/deadline.ts'
import { createKafka } from '../shared/kafka/client.ts'
import { createLogReader } from '../shared/kafka/log-reader.ts'
import { type LogProducer, startLogProducer } from '../shared/kafka/producer.ts'
import { topicNames } from '../shared/kafka/topics.ts'
import { type Replay, rewindRecord, toHeaders } from '../shared/lane-record.ts'
import type { Stoppable } from '../shared/lifecycle.ts'
import type { Logger } from '../shared/logger.ts'
import { EventLogAwayError, type LoggedEvent } from './event-log.ts'

/** Goes back in the log to an event of a workspace, and sends from there on again. */
export interface Rewind extends Pick<Replay, 'id' | 'mode' | 'until'> {
  readonly workspaceId: string
  /** The first one of the range. */
  readonly event: LoggedEvent
}

/** How the console asks the dispatchers for a back-fill. */
export interface Rewinds {
  /**
   * Resolves when the request is durable: whoever owns the partition carries it out, be it later.
   * Rejects with EventLogAwayError, and then it may be durable all the same.
   */
  rewind(rewind: Rewind): Promise<void>
}

/** A person waits for it. */
const ANSWER_WITHIN_MS = 4_000

/** Connects with the first request, so that the console serves everything else while Kafka is away. */
export function openRewinds(
  config: KafkaConfig,
  clock: Clock,
  logger: Logger,
): Rewinds & Stoppable {
  const kafka = createKafka(config, 'console', logger)
  const { partitions } = config
  const names = topicNames(config.topicPrefix)
  const reader = createLogReader({ kafka, topic: names.events, logger })
  let producer: Promise<LogProducer> | null = null

  async function connected(): Promise<LogProducer> {
    producer ??= startLogProducer({ kafka, logger, partitions, timeoutMs: ANSWER_WITHIN_MS })
    const mine = producer
    return mine.catch((error: unknown) => {
      if (producer === mine) producer = null
      throw error
    })
  }

  async function logEnd(partition: number): Promise<number> {
    return (await reader.range(partition)).high
  }

  async function send({ workspaceId, event, id, mode, until }: Rewind): Promise<void> {
    // What the person was told had failed must not begin a quarter of a minute later.
    const giveUpAt = clock.elapsed() + ANSWER_WITHIN_MS
    const mayWrite = () => (clock.elapsed() < giveUpAt ? 'yes' : 'never')
    const { partition, offset, value, acceptedAt, trace } = event
    const request = rewindRecord({
      workspaceId,
      head: { offset, value, acceptedAt, trace },
      replay: { id, mode, until, logEnd: await logEnd(partition) },
      now: clock.now(),
    })
    const headers = toHeaders(request)
    const record = { topic: names.catchUp, partition, key: workspaceId, value, headers }
    await (await connected()).send(record, { mayWrite })
  }

  return {
    async rewind(rewind) {
      try {
        await withinMs(ANSWER_WITHIN_MS, send(rewind))
      } catch (error) {
        throw new EventLogAwayError('The log does not take the request.', { cause: error })
      }
    },
    async stop() {
      await reader.stop()
      await (await producer?.catch(() => null))?.stop()
    },
  }
}

/** A log that nobody can reach: for describing the API, and for tests that are not about it. */
export const awayRewinds: Rewinds = {
  rewind: async () => {
    throw new EventLogAwayError('There is no log.')
  },
}
