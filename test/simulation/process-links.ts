import type { AttemptSink } from '../../services/dispatcher/topics/outcome-handler.ts'
import type { Clock } from '../../services/shared/clock.ts'
import type { LogPage } from '../../services/shared/kafka/log-reader.ts'
import type { LogRecord } from '../../services/shared/kafka/producer.ts'
import type { DeliveryAttempt } from '../../services/shared/postgres/delivery-attempts.ts'
import { asMessage } from './fake-broker.ts'
import { EVENTS, type World } from './world.ts'

/**
 * What one process asks of broker and database. Whatever is on its way takes a while, may go wrong,
 * and its answer comes through `post`, so that the process can die or freeze meanwhile.
 */
export class ProcessLinks {
  readonly name: string
  readonly clock: Clock
  readonly #world: World
  readonly #post: (work: () => void) => void
  #producing: Promise<unknown> = Promise.resolve()

  constructor(world: World, name: string, clock: Clock, post: (work: () => void) => void) {
    this.#world = world
    this.name = name
    this.clock = clock
    this.#post = post
  }

  /** A question and its answer, each on its way for a while. */
  ask<T>(answer: () => T): Promise<T> {
    const { time, random } = this.#world
    return new Promise((resolve, reject) => {
      time.after(random.between(1, 15), () => {
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

  /** One batch at a time, as the real producer: records of a process are written in order. */
  produce(record: LogRecord): Promise<number> {
    const world = this.#world
    const mine = this.#producing.then(() =>
      this.ask(() => {
        if (world.goesWrong('produceFails')) throw new Error('not written')
        const { topic, partition = 0, key, value, headers = {} } = record
        const offset = world.broker.append(topic, partition, { key, value, headers })
        world.note(
          `wrote      ${key} ${topic} @${offset} cursor ${headers['lane-cursor'] ?? '-'} by ${this.name}`,
        )
        if (world.goesWrong('acknowledgementLost')) throw new Error('acknowledgement lost')
        return offset
      }),
    )
    this.#producing = mine.catch(() => undefined)
    return mine
  }

  read(partition: number, offset: number): Promise<LogPage> {
    const world = this.#world
    return this.ask(() => {
      if (world.goesWrong('readFails')) throw new Error('not read')
      const log = world.broker.log(EVENTS, partition)
      const next = Math.min(log.length, offset + world.random.between(1, 6))
      const messages = log
        .slice(offset, next)
        .map((record, index) => asMessage(record, offset + index))
      return { messages, next: Math.max(next, offset), isCutOff: false, bytes: 0 }
    })
  }

  load(workspaceIds: readonly string[]) {
    const { postgres } = this.#world
    return this.ask(() => {
      if (postgres.isAway) throw new Error('postgres is away')
      return new Map(workspaceIds.map((id) => [id, postgres.load(id)]))
    })
  }
}
