import assert from 'node:assert/strict'
import type { OffsetCommit } from '../../shared/kafka/group-coordinator.ts'
import { encodeMetadata } from '../lane/commit-metadata.ts'
import { OffsetTracker } from '../lane/offset-tracker.ts'
import type { RecordPosition } from '../lane/record-ledger.ts'
import type { Handover } from './handover.ts'

/**
 * The offsets of one partition in all topics: what is settled, what to commit, what is paused.
 * A topic is paused before its window grows so wide that the bitmap would not fit into a commit.
 */
export type CommitKind =
  /** What changed since the last one. */
  | 'changed'
  /** Everything: at the start, and now and then to heal what a stale owner wrote. */
  | 'all'
  /** Everything, with the promise that no request is open any more. */
  | 'clean'

export interface SessionCommit {
  readonly offsets: readonly OffsetCommit[]
  onTaken(): void
  onFailed(): void
}

interface Room {
  readonly isFull: boolean
  readonly hasRoom: boolean
}

export class TopicOffsets {
  readonly events: OffsetTracker
  /** H: the offset behind the highest one that the committed metadata of the events topic named. */
  readonly horizon: number
  readonly #epoch: number
  readonly #eventsTopic: string
  readonly #windowMax: number
  readonly #trackers = new Map<string, OffsetTracker>()
  readonly #paused: Set<string>
  readonly #setPaused: (topic: string, paused: boolean) => void
  #changed = new Set<string>()

  constructor(
    handover: Handover,
    { eventsTopic, windowMax }: { readonly eventsTopic: string; readonly windowMax: number },
    setPaused: (topic: string, paused: boolean) => void,
  ) {
    for (const { topic, watermark, settledBeyond } of handover.topics) {
      this.#trackers.set(topic, new OffsetTracker(watermark, settledBeyond))
    }
    this.#epoch = handover.epoch
    this.#eventsTopic = eventsTopic
    this.#windowMax = windowMax
    this.#setPaused = setPaused
    this.#paused = new Set(this.#trackers.keys())
    this.events = this.of(eventsTopic)
    this.horizon = handover.topics.reduce(
      (horizon, { topic, watermark, settledBeyond }) =>
        topic === eventsTopic ? Math.max(watermark, (settledBeyond.at(-1) ?? -1) + 1) : horizon,
      0,
    )
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0
  }

  get positions(): ReadonlyMap<string, number> {
    return new Map([...this.#trackers].map(([topic, tracker]) => [topic, tracker.position]))
  }

  of(topic: string): OffsetTracker {
    const tracker = this.#trackers.get(topic)
    assert(tracker, `topic ${topic} is not part of the session`)
    return tracker
  }

  changed(topic: string): void {
    this.#changed.add(topic)
  }

  /** Everything in front of `next` was read; see `OffsetTracker.passTo`. */
  pass(topic: string, next: number): void {
    this.of(topic).passTo(next)
    this.#changed.add(topic)
  }

  settle({ topic, offset }: RecordPosition): void {
    this.of(topic).settle(offset)
    this.#changed.add(topic)
    this.adjustPause(topic)
  }

  settleEvents(offsets: readonly number[]): void {
    for (const offset of offsets) this.events.settle(offset)
    this.#changed.add(this.#eventsTopic)
  }

  isFull(topic: string): boolean {
    return this.of(topic).window >= this.#windowMax
  }

  /** What holds the watermark back has to leave now, or everybody will have to wait. */
  isHalfFull(topic: string): boolean {
    return this.of(topic).window > this.#windowMax / 2
  }

  /** Of the topic whose window is the widest, in parts of the widest that a commit can describe. */
  get windowUsedRatio(): number {
    const windows = [...this.#trackers.values()].map(({ window }) => window)
    return Math.max(...windows) / this.#windowMax
  }

  get isAnyHalfFull(): boolean {
    return [...this.#trackers.keys()].some((topic) => this.isHalfFull(topic))
  }

  /** An event or a lane record that everything behind it waits for. */
  isPinnedBy({ topic, offset }: RecordPosition): boolean {
    return offset === this.of(topic).watermark && this.isHalfFull(topic)
  }

  /** Lane topics are read from the beginning on; the events topic only after the rebuild. */
  openLaneTopics(): void {
    for (const topic of this.#trackers.keys()) {
      if (topic !== this.#eventsTopic) this.#pause(topic, false)
    }
  }

  /** Pauses when full, resumes at half: each change throws a fetched batch away. */
  adjustPause(topic: string, room?: Room): void {
    const hasRoom = !this.isHalfFull(topic) && (room?.hasRoom ?? true)
    if (this.#paused.has(topic)) {
      if (hasRoom && !room?.isFull) this.#pause(topic, false)
    } else if (room?.isFull ?? this.isFull(topic)) {
      this.#pause(topic, true)
    }
  }

  #pause(topic: string, paused: boolean): void {
    if (paused) this.#paused.add(topic)
    else this.#paused.delete(topic)
    this.#setPaused(topic, paused)
  }

  /** Together in one request: a lane record and the events that it covers belong together. */
  commit(partition: number, how: CommitKind): readonly OffsetCommit[] {
    // The events topic always, since it carries the clean marker.
    const topics = how === 'changed' ? [...this.#changed] : [...this.#trackers.keys()]
    if (!topics.includes(this.#eventsTopic)) topics.push(this.#eventsTopic)
    this.#changed = new Set()
    return topics.map((topic) => {
      const tracker = this.of(topic)
      const offset = tracker.watermark
      const settledBeyond = tracker.settledBeyond()
      const clean = how === 'clean'
      const metadata = encodeMetadata(offset, { clean, settledBeyond, epoch: this.#epoch })
      return { topic, partition, offset, metadata }
    })
  }

  /** Whatever was in it has to be committed again: which topics is not worth remembering. */
  commitFailed(): void {
    for (const topic of this.#trackers.keys()) this.#changed.add(topic)
  }
}
