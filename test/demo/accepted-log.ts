import { topicNames } from '../../services/shared/kafka/topics.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { pathOf } from './event-key.ts'
import { followTopics } from './follow-topics.ts'

/**
 * Reads the log beside the dispatcher, as a data team would: tells when the broker accepted each
 * event. That moment, and not the one in which our answer came back, is where latency begins: an
 * event often reaches its customer before the provider has its OK.
 */
export class AcceptedLog {
  /** By path, see `pathOf`. */
  readonly #acceptedAt = new Map<string, number>()
  readonly #waiting = new Map<string, ((acceptedAt: number) => void)[]>()
  #following: { stop(): Promise<void> } | null = null

  /** Resolves when it reads: nothing that is accepted afterwards is missed. */
  static async follow(env: Readonly<Record<string, string>>): Promise<AcceptedLog> {
    const log = new AcceptedLog()
    log.#following = await followTopics(env, {
      topics: [topicNames(kafkaConfigOf(env).topicPrefix).events],
      group: 'demo',
      onRecord: ({ event, at }) => log.#accepted(pathOf(event), at),
    })
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
    await this.#following?.stop()
  }

  #accepted(path: string, acceptedAt: number): void {
    if (this.#acceptedAt.has(path)) return
    this.#acceptedAt.set(path, acceptedAt)
    for (const resolve of this.#waiting.get(path) ?? []) resolve(acceptedAt)
    this.#waiting.delete(path)
  }
}
