import { systemClock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { untilReadable } from './log-end.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { refusal } from './produce-error.ts'
import type { ClusterLink } from './wire/cluster-link.ts'

/**
 * The partitions whose records are refused at once, since a batch of them was just given up. Each
 * ends when its leader and its replicas agree on all that it has: then the next record is tried. A
 * leader that can be reached is not enough. After an outage it waits for its replicas for seconds, and
 * everybody who believed in it would wait with it in vain. It has a link of its own: behind a write that
 * waits for replicas a question would come too late, and cost the connection.
 */
const LOOK_EVERY_MS = 250
/** Where a record fails for other reasons than that nobody waits for it again for so long. */
const REST_MS = 500
/** What cannot be seen, a record finds out; its sender waits for the whole time of a record. */
const TRY_EVERY_MS = 10_000

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

  /** Of whichever topic. */
  isAt(partition: number): boolean {
    for (const queue of this.#queues) if (queue.partition === partition) return true
    return false
  }

  begin(queue: PartitionQueue): void {
    if (this.#isStopped) return
    const { promise: back, resolve: end } = withResolvers()
    const now = systemClock.elapsed()
    queue.away ??= { since: now, triedAt: now, mayTry: false, back, end }
    this.#queues.add(queue)
    for (const one of queue.takeWaiting()) one.reject(refusal())
    if (!this.#isLooking) void this.#look()
  }

  /** Whoever waits is let go. */
  stop(): void {
    this.#isStopped = true
    for (const queue of this.#queues) this.end(queue)
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.isAny) {
      await systemClock.sleep(LOOK_EVERY_MS)
      await Promise.all([...this.#queues].map((queue) => this.#lookAt(queue)))
    }
    this.#isLooking = false
    if (!this.#isStopped) this.#logger.info('produce.reconnected')
  }

  async #lookAt(queue: PartitionQueue): Promise<void> {
    const { away } = queue
    const now = systemClock.elapsed()
    if (!away || now - away.since < REST_MS) return
    if (await this.#isBack(queue)) this.end(queue)
    else if (now - away.triedAt >= TRY_EVERY_MS) away.mayTry = true
  }

  async #isBack({ topic, partition }: PartitionQueue): Promise<boolean> {
    try {
      await this.#link.refresh()
      const leader = await this.#link.requireLeader(topic, partition)
      await untilReadable(this.#link, { topic, partition }, { ms: LOOK_EVERY_MS, leader })
      return true
    } catch {
      return false
    }
  }

  end(queue: PartitionQueue): void {
    if (!queue.away) return
    queue.away.end()
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
