import assert from 'node:assert/strict'
import type { KafkaMessage } from 'kafkajs'
import { METADATA_CHARS_MAX } from '../../services/dispatcher/lane/commit-metadata.ts'
import { assignPartitions } from '../../services/shared/kafka/co-partition-assigner.ts'
import type {
  CommittedOffset,
  OffsetCommit,
} from '../../services/shared/kafka/group-coordinator.ts'
import type { LogRange } from '../../services/shared/kafka/log-ranges.ts'

export interface StoredRecord {
  readonly key: string
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: number
  /** The end of a transaction: it takes an offset, and no consumer gets it. */
  readonly isMarker?: boolean
  /** Number of the `SentRecord` that it was. */
  readonly sentAs?: number
}

/** How a broker knows a batch again: who sent it, and as the how manieth record of the partition. */
export interface BatchNumbers {
  readonly identity: string
  readonly sequence: number
}

export interface ProducedBatch extends BatchNumbers {
  readonly records: readonly Omit<StoredRecord, 'timestamp'>[]
}

/** A batch that was written, as the log remembers it. */
interface Written {
  readonly sequence: number
  readonly next: number
  readonly offset: number
}

/** Of a producer a partition remembers its last batches, to know one that is sent again. */
const REMEMBERED_BATCHES = 5

/** A process as the group coordinator sees it. */
export interface GroupMember {
  readonly name: string
  memberId: string
  generation: number
  owned: readonly number[]
}

/** As UNKNOWN_MEMBER_ID: others own its partitions. */
export class NotAMemberError extends Error {}

/**
 * What the dispatcher relies on of Kafka, and nothing that it may not rely on: an append-only log
 * per topic-partition, commits that are taken or refused whole by member and generation (and not
 * by ownership, as a real broker does), and a group that gives partitions away.
 */
export class FakeBroker {
  readonly partitions: number
  readonly #now: () => number
  readonly #metadataCharsMax: number
  /** By topic and partition; asked millions of times, so without a name to put together. */
  readonly #logs = new Map<string, StoredRecord[][]>()
  /** First offset that is left, of topic-partitions that were trimmed. */
  readonly #starts = new Map<string, number>()
  readonly #written = new Map<string, Written[]>()
  readonly #commits = new Map<string, CommittedOffset[]>()
  #members: GroupMember[] = []
  #generation = 0
  #ids = 0

  constructor(partitions: number, now: () => number, metadataCharsMax = METADATA_CHARS_MAX) {
    this.partitions = partitions
    this.#now = now
    this.#metadataCharsMax = metadataCharsMax
  }

  log(topic: string, partition: number): StoredRecord[] {
    let logs = this.#logs.get(topic)
    if (!logs) {
      logs = Array.from({ length: this.partitions }, () => [])
      this.#logs.set(topic, logs)
    }
    return logs[partition] as StoredRecord[]
  }

  append(topic: string, partition: number, record: Omit<StoredRecord, 'timestamp'>): number {
    return this.log(topic, partition).push({ ...record, timestamp: this.#now() }) - 1
  }

  /**
   * What an idempotent producer sends; a batch that is there already is not written again. Null: it
   * was so long under way that the broker only knows it for an old one.
   */
  produce(
    topic: string,
    partition: number,
    { identity, sequence, records }: ProducedBatch,
  ): { readonly offset: number; readonly isNew: boolean } | null {
    const name = `${identity} ${topic}/${partition}`
    const written = this.#written.get(name) ?? []
    const repeated = written.find((batch) => batch.sequence === sequence)
    if (repeated) return { offset: repeated.offset, isNew: false }
    const expected = written.at(-1)?.next ?? 0
    if (sequence < expected) return null
    assert(sequence === expected, `${name}: number ${sequence} where ${expected} comes next`)
    const offset = this.log(topic, partition).length
    for (const record of records) this.append(topic, partition, record)
    const batch = { sequence, next: sequence + records.length, offset }
    this.#written.set(name, [...written, batch].slice(-REMEMBERED_BATCHES))
    return { offset, isNew: true }
  }

  range(topic: string, partition: number): LogRange {
    const low = this.#starts.get(`${topic}/${partition}`) ?? 0
    return { low, high: this.log(topic, partition).length }
  }

  /** Retention, or kafka-delete-records: `range` begins here; `log` still holds what lies before. */
  trim(topic: string, partition: number, offset: number): void {
    this.#starts.set(`${topic}/${partition}`, offset)
  }

  committed(topic: string, partition: number): CommittedOffset {
    return (
      this.#commits.get(topic)?.[partition] ?? { topic, partition, offset: null, metadata: null }
    )
  }

  /** @throws when the member is not of the current generation. */
  commit(member: GroupMember, generation: number, offsets: readonly OffsetCommit[]): void {
    if (!this.isMember(member)) throw new NotAMemberError()
    if (generation !== this.#generation) throw new Error('ILLEGAL_GENERATION')
    for (const { topic, partition, offset, metadata } of offsets) {
      if (metadata.length > this.#metadataCharsMax) throw new Error('OFFSET_METADATA_TOO_LARGE')
      const commits = this.#commits.get(topic) ?? []
      commits[partition] = { topic, partition, offset, metadata }
      this.#commits.set(topic, commits)
    }
  }

  /** Whether its heartbeat is answered: a member that slept through a rebalance is refused. */
  isCurrent(member: GroupMember): boolean {
    return this.isMember(member) && member.generation === this.#generation
  }

  isMember(member: GroupMember): boolean {
    return this.#members.includes(member)
  }

  join(member: GroupMember): void {
    member.memberId = `${member.name}-${this.#ids++}`
    this.#members = [...this.#members.filter((other) => other !== member), member]
  }

  leave(member: GroupMember): void {
    this.#members = this.#members.filter((other) => other !== member)
  }

  /** A new generation; answers who gets what. */
  rebalance(): { readonly generation: number; readonly assignment: Map<GroupMember, number[]> } {
    this.#generation++
    const members = this.#members.map(({ memberId, owned }) => ({ memberId, owned }))
    const byId = members.length > 0 ? assignPartitions(members, this.partitions) : new Map()
    const assignment = new Map<GroupMember, number[]>()
    for (const member of this.#members) assignment.set(member, byId.get(member.memberId) ?? [])
    return { generation: this.#generation, assignment }
  }
}

/** As kafkajs hands it over. */
export function asMessage(record: StoredRecord, offset: number): KafkaMessage {
  return {
    key: Buffer.from(record.key),
    value: record.value,
    headers: { ...record.headers },
    offset: String(offset),
    timestamp: String(record.timestamp),
    attributes: 0,
  } as KafkaMessage
}
