import {
  type EventLog,
  EventLogAwayError,
  type LoggedEvent,
} from '../../services/console/event-log.ts'
import type { Rewind, Rewinds } from '../../services/console/rewinds.ts'
import { aCallEvent } from './builders.ts'

/** A log of one partition in memory, and the requests for back-fills that the console writes. */
export class FakeLog implements Rewinds {
  readonly #events: LoggedEvent[] = []
  readonly rewinds: Rewind[] = []
  /** Set to make everything fail like a broker that is away. */
  isAway = false
  /** False: it can be read, and requests for back-fills fail. */
  takesRewinds = true

  /** An event accepted at this instant; answers it. */
  append(workspaceId: string, at: string): LoggedEvent {
    const event = aCallEvent(workspaceId, String(this.#events.length))
    const value = Buffer.from(event.eventId)
    const offset = this.#events.length
    const logged = { event, partition: 0, offset, value, acceptedAt: Date.parse(at) }
    this.#events.push(logged)
    return logged
  }

  async rewind(rewind: Rewind): Promise<void> {
    this.#ask()
    if (!this.takesRewinds) throw new EventLogAwayError('The log does not take the request.')
    this.rewinds.push(rewind)
  }

  /** The last request for a back-fill. */
  get rewound(): Rewind | undefined {
    return this.rewinds.at(-1)
  }

  /** Two records at a time, so that a question takes several pages. */
  readonly eventLog: EventLog = {
    partitionOf: () => 0,
    end: async () => {
      this.#ask()
      const offset = this.#events.length
      return { topic: 'calls.events', offset, lastAt: this.#events.at(-1)?.acceptedAt ?? null }
    },
    offsetAt: async (_partition, at) => {
      this.#ask()
      return this.#events.find(({ acceptedAt }) => acceptedAt >= at)?.offset ?? null
    },
    oldestAt: async () => this.#events[0]?.acceptedAt ?? null,
    page: async (workspaceId, { offset, until, limit }) => {
      this.#ask()
      const read = this.#events.slice(offset, offset + 2)
      const inRange = read.filter(({ acceptedAt }) => acceptedAt < until)
      const mine = inRange.filter(({ event }) => event.workspaceId === workspaceId)
      const endOffset = offset + inRange.length
      return {
        events: mine.slice(0, limit),
        nextOffset: inRange.length === 2 ? endOffset : null,
        endOffset,
        reachedAt: inRange.at(-1)?.acceptedAt ?? null,
        isTruncated: false,
        cost: { bytesRead: 0, recordsRead: read.length },
      }
    },
    find: async ({ eventId }, { since, until }) => {
      this.#ask()
      const logged = this.#events.find(({ event }) => event.eventId === eventId)
      const isIn = logged && logged.acceptedAt >= since && logged.acceptedAt < until
      return isIn ? { kind: 'found', logged } : { kind: 'absent' }
    },
  }

  #ask(): void {
    if (this.isAway) throw new EventLogAwayError('The log does not answer.')
  }
}
