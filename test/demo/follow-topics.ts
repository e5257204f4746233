import type { CallEvent } from '../../services/shared/call-event.ts'
import { createCallEventDecoder } from '../../services/shared/call-event-codec.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { headerTexts } from '../../services/shared/kafka/header-texts.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { kafkaConfigOf } from '../support/event-log.ts'

/** A record as any reader of the topic sees it: retry topics and dead letters hold events, too. */
export interface FollowedRecord {
  readonly topic: string
  readonly event: CallEvent
  /** The record's timestamp, milliseconds since 1970. */
  readonly at: number
  readonly headers: Readonly<Record<string, string>>
}

export interface FollowOptions {
  readonly topics: readonly string[]
  /** Behind the topic prefix. */
  readonly group: string
  readonly onRecord: (record: FollowedRecord) => void
}

/**
 * Reads topics from their beginning, beside the dispatcher and in a group of its own. Resolves when
 * it reads: nothing that is written afterwards is missed.
 */
export async function followTopics(
  env: Readonly<Record<string, string>>,
  { topics, group, onRecord }: FollowOptions,
): Promise<{ stop(): Promise<void> }> {
  const config = kafkaConfigOf(env)
  const logger = createLogger('demo', 'silent')
  const { typeOf } = createCallEventRegistry(config.registry)
  const decoder = createCallEventDecoder({ typeOf, clock, logger })
  const consumer = createKafka(config, 'demo', logger).consumer({
    groupId: `${config.topicPrefix}.${group}`,
    maxWaitTimeInMs: 50,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.run({
    eachMessage: async ({ topic, message: { value, timestamp, headers } }) => {
      if (value === null) return
      await decoder.learn(value)
      onRecord({
        topic,
        event: decoder.decode(value),
        at: Number(timestamp),
        headers: headerTexts(headers),
      })
    },
  })
  await joined
  return { stop: () => consumer.disconnect() }
}
