import { systemClock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { refusal } from './produce-error.ts'
import type { ClusterLink } from './wire/cluster-link.ts'

/**
 * The partitions whose records are refused at once, since a batch of them was just given up. Each
 * ends when its leader can be reached again: then the next record is tried.
 */
const LOOK_EVERY_MS = 250
/** A leader that waits for replicas can be reached all the time: so long nobody waits for it again. */
const REST_MS = 2_000

export class Absence {
  readonly #link: ClusterLink
  readonly #logger: Logger
  readonly #queues = new Set<PartitionQueue>()
  #isLooking = false
  #isStopped = false

  constructor({ link, logger }: { readonly link: ClusterLink; readonly logger: Logger }) {
    this.#link = link
    this.#logger = logger
  }

  get isAny(): boolean {
    return this.#queues.size > 0
  }

  begin(queue: PartitionQueue): void {
    if (this.#isStopped) return
    const { promise: back, resolve: end } = withResolvers()
    const inSync = this.#link.inSyncOf(queue.topic, queue.partition)
    queue.away ??= { since: systemClock.now(), inSync, back, end }
    this.#queues.add(queue)
    for (const one of queue.takeWaiting()) one.reject(refusal())
    if (!this.#isLooking) void this.#look()
  }

  /** Whoever waits is let go. */
  stop(): void {
    this.#isStopped = true
    for (const queue of this.#queues) this.#end(queue)
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.isAny) {
      await systemClock.sleep(LOOK_EVERY_MS)
      await this.#link.refresh().catch(() => undefined)
      await Promise.all([...this.#queues].map((queue) => this.#lookAt(queue)))
    }
    this.#isLooking = false
    if (!this.#isStopped) this.#logger.info('produce.reconnected')
  }

  async #lookAt(queue: PartitionQueue): Promise<void> {
    const { topic, partition, away } = queue
    const leader = this.#link.leaderOf(topic, partition)
    if (!leader || !away || !(await this.#link.reaches(leader))) return
    const hasMoreReplicas = this.#link.inSyncOf(topic, partition) > away.inSync
    if (hasMoreReplicas || systemClock.now() - away.since >= REST_MS) this.#end(queue)
  }

  #end(queue: PartitionQueue): void {
    queue.away?.end()
    queue.away = null
    this.#queues.delete(queue)
  }
}

/** `Promise.withResolvers` of Node 22. */
function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
