import type { AttemptSink } from '../../services/dispatcher/topics/outcome-handler.ts'
import type { Clock } from '../../services/shared/clock.ts'
import type { LogRange } from '../../services/shared/kafka/log-ranges.ts'
import type { LogPage } from '../../services/shared/kafka/log-reader.ts'
import type { LogProducer } from '../../services/shared/kafka/producer.ts'
import type { DeliveryAttempt } from '../../services/shared/postgres/delivery-attempts.ts'
import { asMessage } from './fake-broker.ts'
import { SimProducer } from './sim-producer.ts'
import { EVENTS, type World } from './world.ts'

/**
 * What one process asks of broker and database. Whatever is on its way takes a while, may go wrong,
 * and its answer comes through `post`, so that the process can die or freeze meanwhile.
 */
export class ProcessLinks {
  readonly name: string
  readonly clock: Clock
  readonly producer: LogProducer
  readonly #world: World
  readonly #post: (work: () => void) => void

  constructor(world: World, name: string, clock: Clock, post: (work: () => void) => void) {
    this.#world = world
    this.name = name
    this.clock = clock
    this.#post = post
    this.producer = new SimProducer({ world, name, clock, post })
  }

  /** A question and its answer, each on its way for a while; `stillForMs`: who is asked stands still. */
  ask<T>(answer: () => T, stillForMs = 0): Promise<T> {
    const { time, random } = this.#world
    return new Promise((resolve, reject) => {
      time.after(stillForMs + random.between(1, 15), () => {
        try {
          const value = answer()
          time.after(random.between(1, 15), () => this.#post(() => resolve(value)))
        } catch (error) {
          time.after(random.between(1, 15), () => this.#post(() => reject(error as Error)))
        }
      })
    })
  }

  async untilDone<T>(statement: () => T): Promise<T> {
    for (;;) {
      try {
        return await this.ask(() => {
          if (this.#world.postgres.isAway) throw new Error('postgres is away')
          return statement()
        })
      } catch {
        await this.clock.sleep(200)
      }
    }
  }

  attempts(): AttemptSink & { readonly waiting: number; flush(): Promise<void> } {
    let waiting: DeliveryAttempt[] = []
    return {
      isFull: false,
      get waiting() {
        return waiting.length
      },
      add: (attempt) => waiting.push(attempt),
      flush: async () => {
        const count = waiting.length
        await this.ask(() => {
          if (this.#world.postgres.isAway) throw new Error('postgres is away')
          this.#world.postgres.record(waiting.slice(0, count))
        })
        waiting = waiting.slice(count)
      },
    }
  }

  read(partition: number, offset: number): Promise<LogPage> {
    const world = this.#world
    return this.ask(
      () => {
        if (world.goesWrong('readFails')) throw new Error('not read')
        const log = world.broker.log(EVENTS, partition)
        const next = Math.min(log.length, offset + world.random.between(1, 6))
        const messages = log
          .slice(offset, next)
          .map((record, index) => asMessage(record, offset + index))
        return { messages, next: Math.max(next, offset), isCutOff: false, bytes: 0 }
      },
      this.#stillFor(EVENTS, partition),
    )
  }

  /** What the logs hold now; those whose leaders stand still are waited for. */
  ranges(topics: readonly string[], partition: number): Promise<Map<string, LogRange>> {
    const { broker } = this.#world
    const stillForMs = Math.max(...topics.map((topic) => this.#stillFor(topic, partition)))
    return this.ask(
      () => new Map(topics.map((topic) => [topic, broker.range(topic, partition)])),
      stillForMs,
    )
  }

  #stillFor(topic: string, partition: number): number {
    const { leaders } = this.#world
    return leaders.waitFor(leaders.leaderOf(topic, partition))
  }

  load(workspaceIds: readonly string[]) {
    const { postgres } = this.#world
    return this.ask(() => {
      if (postgres.isAway) throw new Error('postgres is away')
      return new Map(workspaceIds.map((id) => [id, postgres.load(id)]))
    })
  }
}
