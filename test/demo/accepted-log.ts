import type { Consumer } from 'kafkajs'
import { createCallEventDecoder } from '../../services/shared/call-event-codec.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { topicNames } from '../../services/shared/kafka/topics.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { pathOf } from './event-key.ts'

/**
 * Reads the log beside the dispatcher, as a data team would: tells when the broker accepted each
 * event. That moment, and not the one in which our answer came back, is where latency begins: an
 * event often reaches its customer before the provider has its OK.
 */
export class AcceptedLog {
  readonly #consumer: Consumer
  /** By path, see `pathOf`. */
  readonly #acceptedAt = new Map<string, number>()
  readonly #waiting = new Map<string, ((acceptedAt: number) => void)[]>()

  private constructor(consumer: Consumer) {
    this.#consumer = consumer
  }

  /** Resolves when it reads: nothing that is accepted afterwards is missed. */
  static async follow(env: Readonly<Record<string, string>>): Promise<AcceptedLog> {
    const config = kafkaConfigOf(env)
    const logger = createLogger('demo', 'silent')
    const { typeOf } = createCallEventRegistry(config.registryUrl)
    const decoder = createCallEventDecoder({ typeOf, clock, logger })
    const consumer = createKafka(config, 'demo', logger).consumer({
      groupId: `${config.topicPrefix}.demo`,
      maxWaitTimeInMs: 50,
    })
    const log = new AcceptedLog(consumer)
    await consumer.connect()
    await consumer.subscribe({ topic: topicNames(config.topicPrefix).events, fromBeginning: true })
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.run({
      eachMessage: async ({ message: { value, timestamp } }) => {
        if (value === null) return
        await decoder.learn(value)
        log.#accepted(pathOf(decoder.decode(value)), Number(timestamp))
      },
    })
    await joined
    return log
  }

  /** Milliseconds since 1970; resolves once the event is in the log. */
  acceptedAt(path: string): Promise<number> {
    const acceptedAt = this.#acceptedAt.get(path)
    if (acceptedAt !== undefined) return Promise.resolve(acceptedAt)
    return new Promise((resolve) => {
      this.#waiting.set(path, [...(this.#waiting.get(path) ?? []), resolve])
    })
  }

  /** By path, of everything that is in the log. */
  get all(): ReadonlyMap<string, number> {
    return this.#acceptedAt
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect()
  }

  #accepted(path: string, acceptedAt: number): void {
    if (this.#acceptedAt.has(path)) return
    this.#acceptedAt.set(path, acceptedAt)
    for (const resolve of this.#waiting.get(path) ?? []) resolve(acceptedAt)
    this.#waiting.delete(path)
  }
}
