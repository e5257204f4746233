import { ERRORS } from './error-codes.ts'
import { type Appended, PartitionLog } from './partition-log.ts'

export interface Partition {
  readonly log: PartitionLog
  leader: number
}

export interface StaleView {
  /** Brokers that hear of the move later. */
  readonly on: readonly number[]
  /** How many of their Metadata answers stay old; default: all until `catchUp`. */
  readonly answers?: number
}

/** What a broker still believes of a partition whose leader has moved. */
interface OldView {
  readonly leader: number
  answersLeft: number
}

/**
 * The logs and their leaders, which all brokers of the cluster share. Replication is not played: an
 * append is at once on every replica, as in a healthy cluster.
 */
export class Cluster {
  readonly #topics = new Map<string, Partition[]>()
  /** By broker, topic and partition. */
  readonly #oldViews = new Map<string, OldView>()
  /** What brokers without contact to the others knew when they lost it. */
  readonly #cutOff = new Map<number, ReadonlyMap<string, readonly Partition[]>>()
  readonly #waiting = new Set<() => void>()
  readonly #fenced = new Set<number>()
  readonly #brokers: readonly number[]
  readonly #batchBytesMax: number
  #nextProducerId = 1_000

  constructor(
    brokers: readonly number[],
    topics: Readonly<Record<string, number>>,
    batchBytesMax = Number.POSITIVE_INFINITY,
  ) {
    this.#brokers = brokers
    this.#batchBytesMax = batchBytesMax
    for (const [topic, count] of Object.entries(topics)) this.addTopic(topic, count)
  }

  /** The leaders take turns. */
  addTopic(topic: string, partitions: number): void {
    const made = Array.from({ length: partitions }, (_, index) => ({
      log: new PartitionLog(),
      leader: this.#brokers[index % this.#brokers.length] ?? 1,
    }))
    this.#topics.set(topic, made)
  }

  get topics(): readonly string[] {
    return [...this.#topics.keys()]
  }

  /** The brokers that the cluster takes for alive. */
  get alive(): readonly number[] {
    return this.#brokers.filter((id) => !this.#fenced.has(id))
  }

  partitionsOf(topic: string): readonly Partition[] | null {
    return this.#topics.get(topic) ?? null
  }

  partition(topic: string, partition: number): Partition | null {
    return this.#topics.get(topic)?.[partition] ?? null
  }

  newProducerId(): number {
    return this.#nextProducerId++
  }

  append(topic: string, partition: number, batch: Buffer): Appended {
    if (batch.length > this.#batchBytesMax) {
      return { errorCode: ERRORS.MESSAGE_TOO_LARGE, baseOffset: -1 }
    }
    const appended = this.known(topic, partition).log.append(batch)
    this.#changed()
    return appended
  }

  moveLeader(topic: string, partition: number, to: number, stale?: StaleView): void {
    const moved = this.known(topic, partition)
    for (const broker of stale?.on ?? []) {
      const view = { leader: moved.leader, answersLeft: stale?.answers ?? Number.POSITIVE_INFINITY }
      this.#oldViews.set(viewKey(broker, topic, partition), view)
    }
    moved.leader = to
    this.#changed()
  }

  /** From now on this broker hears nothing of the others, and goes on as if nothing had changed. */
  cutOff(broker: number): void {
    const known = [...this.#topics].map(([topic, partitions]) => {
      const copies = partitions.map(({ log, leader }) => ({ log: log.copy(), leader }))
      return [topic, copies] as const
    })
    this.#cutOff.set(broker, new Map(known))
  }

  /** What this broker takes for the partition. */
  inEyesOf(broker: number, topic: string, partition: number): Partition | null {
    const cutOff = this.#cutOff.get(broker)
    return cutOff ? (cutOff.get(topic)?.[partition] ?? null) : this.partition(topic, partition)
  }

  /** The leader that this broker's next Metadata answer tells. */
  leaderInEyesOf(broker: number, topic: string, partition: number): number {
    const cutOff = this.#cutOff.get(broker)?.get(topic)?.[partition]
    if (cutOff) return cutOff.leader
    const key = viewKey(broker, topic, partition)
    const old = this.#oldViews.get(key)
    if (!old) return this.known(topic, partition).leader
    old.answersLeft--
    if (old.answersLeft <= 0) this.#oldViews.delete(key)
    return old.leader
  }

  catchUp(broker: number): void {
    for (const key of this.#oldViews.keys()) {
      if (key.startsWith(`${broker}/`)) this.#oldViews.delete(key)
    }
  }

  fence(broker: number): void {
    this.#fenced.add(broker)
  }

  unfence(broker: number): void {
    this.#fenced.delete(broker)
  }

  /** The next append or move of a leader, or `ms` later. */
  nextChange(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#waiting.add(done)
    })
  }

  known(topic: string, partition: number): Partition {
    const found = this.partition(topic, partition)
    if (!found) throw new Error(`the fake cluster has no ${topic}/${partition}`)
    return found
  }

  #changed(): void {
    for (const done of [...this.#waiting]) done()
  }
}

function viewKey(broker: number, topic: string, partition: number): string {
  return `${broker}/${topic}/${partition}`
}
