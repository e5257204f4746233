import { systemClock } from '../../services/shared/clock.ts'
import { aCallEvent } from './builders.ts'
import type { EventLog } from './event-log.ts'
import { isDelivered, type Received } from './receiver.ts'

/**
 * Calls that are written into the log without a pause for whatever happens to the dispatchers: one
 * sender per workspace, which goes on to the next call when the log has acknowledged the last one.
 * Keeps account of what was accepted and not yet delivered.
 */
export class Load {
  /** Numbers of the accepted calls, in order, per workspace: what the oracle judges by. */
  readonly sent = new Map<string, string[]>()
  readonly #log: EventLog
  readonly #acceptedAt = new Map<string, number>()
  readonly #deliveredAt = new Map<string, number>()
  /** Accepted and without a 2xx. */
  readonly #waiting = new Set<string>()
  #senders: Promise<void>[] = []
  #isStopping = false

  constructor(log: EventLog) {
    this.#log = log
  }

  /** Has to be told of each request that the receiver gets. */
  note(received: Received): void {
    if (!isDelivered(received)) return
    const key = `${received.workspaceId}/${keyOf(received)}`
    if (this.#deliveredAt.has(key)) return
    this.#deliveredAt.set(key, received.at)
    this.#waiting.delete(key)
  }

  /** `pauseMs`: between an acknowledgement and the next call. */
  start(workspaceIds: readonly string[], pauseMs: number): void {
    this.#isStopping = false
    this.#senders = workspaceIds.map((workspaceId) => this.#send(workspaceId, pauseMs))
  }

  /** Resolves when the last call is acknowledged. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#senders)
  }

  /** The next `count` calls of a workspace, one after the other. */
  async append(workspaceId: string, count = 1): Promise<void> {
    for (let index = 0; index < count; index++) await this.#appendNext(workspaceId)
  }

  /** Accepted calls that wait for their 2xx. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** The oldest of each workspace, to name it when the wait is given up. */
  get oldestWaiting(): readonly string[] {
    const oldest = new Map([...this.#waiting].reverse().map((key) => [key.split('/')[0], key]))
    return [...oldest.values()]
  }

  get count(): number {
    return this.#acceptedAt.size
  }

  /** Whether each of these workspaces was given a call that was accepted after `time`. */
  isFlowingSince(time: number, workspaceIds: readonly string[]): boolean {
    return workspaceIds.every((workspaceId) => {
      const numbers = this.sent.get(workspaceId) ?? []
      // From the newest back: it is one of the last.
      for (let index = numbers.length - 1; index >= 0; index--) {
        const key = `${workspaceId}/${numbers[index]}`
        if ((this.#acceptedAt.get(key) ?? 0) < time) return false
        if (this.#deliveredAt.has(key)) return true
      }
      return false
    })
  }

  /** Milliseconds between acceptance and first 2xx of the call that waited longest. */
  longestWait(workspaceIds: readonly string[]): number {
    const waits = workspaceIds.flatMap((workspaceId) =>
      (this.sent.get(workspaceId) ?? []).map((number) => this.#waitOf(`${workspaceId}/${number}`)),
    )
    return waits.reduce((longest, wait) => Math.max(longest, wait), 0)
  }

  #waitOf(key: string): number {
    const deliveredAt = this.#deliveredAt.get(key) ?? Date.now()
    return deliveredAt - (this.#acceptedAt.get(key) ?? deliveredAt)
  }

  async #send(workspaceId: string, pauseMs: number): Promise<void> {
    while (!this.#isStopping) {
      await this.#appendNext(workspaceId)
      await systemClock.sleep(pauseMs)
    }
  }

  async #appendNext(workspaceId: string): Promise<void> {
    const numbers = this.sent.get(workspaceId) ?? []
    this.sent.set(workspaceId, numbers)
    const number = String(numbers.length + 1)
    const key = `${workspaceId}/${number}`
    await this.#untilAcknowledged(workspaceId, number)
    numbers.push(number)
    this.#acceptedAt.set(key, Date.now())
    // The answer of the customer may be here before the log's acknowledgement is.
    if (!this.#deliveredAt.has(key)) this.#waiting.add(key)
  }

  /** With the broker away: again and again, as a provider does. */
  async #untilAcknowledged(workspaceId: string, number: string): Promise<void> {
    for (;;) {
      try {
        await this.#log.append(aCallEvent(workspaceId, number))
        return
      } catch {
        await systemClock.sleep(TRY_AGAIN_MS)
      }
    }
  }
}

const TRY_AGAIN_MS = 200

/** What a call is known by: its number within the workspace. */
export function keyOf({ event }: Received): string {
  return event.providerCallId
}
