import type { KafkaMessage } from 'kafkajs'
import type { CallEventDecoder } from '../../shared/call-event-codec.ts'
import type { Logger } from '../../shared/logger.ts'
import { encodeMetadata } from '../lane/commit-metadata.ts'
import { DueHeap } from '../lane/due-heap.ts'
import { Lane } from '../lane/lane.ts'
import type { OffsetTracker } from '../lane/offset-tracker.ts'
import type { LaneRun, LaneRunner } from './lane-runner.ts'

/**
 * Everything that is owned of one partition between assignment and revocation: the offset tracker,
 * the lanes, the parked heads. Nothing of it is shared with another session.
 *
 *   holding   assigned, but the owner before may still have a request open: nothing starts
 *   running   records are taken, requests start
 *   draining  being given up: nothing starts, requests that are open may end and count
 *   fenced    given up: whatever still ends here changes nothing
 *
 * Drain first, then fence: the other way round an answer that arrives in between would be thrown
 * away, and the next owner would post the same call to the customer a second time.
 */
export type SessionPhase = 'holding' | 'running' | 'draining' | 'fenced'

export interface SessionOptions {
  readonly partition: number
  readonly tracker: OffsetTracker
  readonly decoder: CallEventDecoder
  readonly runner: LaneRunner
  readonly logger: Logger
  /** Stops and starts the fetching of this partition. */
  readonly setPaused: (paused: boolean) => void
  /** Most events queued in memory; past it the partition is paused. */
  readonly queueMax: number
  /** Widest distance between watermark and position whose bitmap still fits into a commit. */
  readonly windowMax: number
}

/** Offset and metadata as they are to be committed. */
export interface SessionCommit {
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

export class PartitionSession {
  readonly partition: number
  readonly #options: SessionOptions
  readonly #tracker: OffsetTracker
  readonly #lanes = new Map<string, LaneRun>()
  readonly #parked = new DueHeap<LaneRun>()
  #phase: SessionPhase = 'holding'
  #queued = 0
  #inFlight = 0
  #isPaused = true
  #isLearning = false
  #hasChanged = false
  #drained: (() => void) | null = null

  constructor(options: SessionOptions) {
    this.#options = options
    this.partition = options.partition
    this.#tracker = options.tracker
  }

  get phase(): SessionPhase {
    return this.#phase
  }

  get lanes(): Iterable<LaneRun> {
    return this.#lanes.values()
  }

  /** Records read and not yet settled in order. */
  get window(): number {
    return this.#tracker.window
  }

  get hasChanged(): boolean {
    return this.#hasChanged
  }

  start(): void {
    this.#phase = 'running'
    this.#adjustPause()
  }

  /** Takes records over and answers how many; the rest is fetched again after a pause. */
  records(messages: readonly KafkaMessage[]): number {
    if (this.#phase !== 'running') return 0
    let taken = 0
    for (const message of messages) {
      if (this.#isFull() || !this.#take(message)) break
      taken++
    }
    this.#adjustPause()
    return taken
  }

  /** False: not now, its schema has to be fetched first. */
  #take(message: KafkaMessage): boolean {
    const offset = Number(message.offset)
    const { key, value } = message
    const isReadable = key !== null && value !== null && this.#options.decoder.isFramed(value)
    if (isReadable && !this.#options.decoder.knows(value)) {
      this.#learn(value)
      return false
    }
    this.#hasChanged = true
    if (!this.#tracker.track(offset)) return true
    if (!isReadable) {
      this.#options.logger.error({ partition: this.partition, offset }, 'event.unreadable')
      this.#tracker.settle(offset)
      return true
    }
    this.#offer(key.toString(), { offset, value, acceptedAt: Number(message.timestamp) })
    return true
  }

  #offer(workspaceId: string, event: { offset: number; value: Buffer; acceptedAt: number }): void {
    let run = this.#lanes.get(workspaceId)
    const isNew = run === undefined
    if (run === undefined) {
      run = { lane: new Lane(workspaceId), session: this, request: null, startedAt: 0, dueAt: 0 }
      this.#lanes.set(workspaceId, run)
    }
    run.lane.offer(event)
    this.#queued++
    if (isNew) this.#options.runner.connect(run)
  }

  /** A schema that the registry does not give keeps only this partition waiting, and it says so. */
  #learn(value: Buffer): void {
    if (this.#isLearning) return
    this.#isLearning = true
    void this.#options.decoder.learn(value).then(() => {
      this.#isLearning = false
      this.#adjustPause()
    })
  }

  /** The lane of a workspace whose connection was loaded or changed. */
  connectionLoaded(workspaceId: string): void {
    const run = this.#lanes.get(workspaceId)
    if (run && this.#phase === 'running') this.#options.runner.connectionLoaded(run)
  }

  /** Lanes whose time has come. */
  wake(now: number): void {
    if (this.#phase !== 'running') return
    for (let run = this.#parked.takeDue(now); run; run = this.#parked.takeDue(now)) {
      if (run.lane.state === 'parked' && run.dueAt <= now) this.#options.runner.due(run)
    }
  }

  park(run: LaneRun): void {
    this.#parked.add(run.dueAt, run)
  }

  requestStarted(): void {
    this.#inFlight++
  }

  requestEnded(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#drained?.()
  }

  /** Nothing more has to be done for this event of the lane. */
  settled(run: LaneRun, offsets: readonly number[]): void {
    for (const offset of offsets) this.#tracker.settle(offset)
    this.#queued -= offsets.length
    this.#hasChanged = true
    if (run.lane.state === 'idle') this.#lanes.delete(run.lane.workspaceId)
    this.#adjustPause()
  }

  /** What may be committed now; `clean` promises that no request is open. */
  commit(clean: boolean): SessionCommit {
    this.#hasChanged = false
    const offset = this.#tracker.watermark
    const settledBeyond = this.#tracker.settledBeyond()
    const metadata = encodeMetadata(offset, { clean, settledBeyond })
    return { partition: this.partition, offset, metadata }
  }

  commitFailed(): void {
    this.#hasChanged = true
  }

  /** Starts nothing new; resolves when no request is open any more. */
  drain(): Promise<void> {
    if (this.#phase !== 'fenced') this.#phase = 'draining'
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  /** Ends what is still open; its outcome is lost, so the next owner sends it again. */
  fence(): void {
    this.#phase = 'fenced'
    for (const run of this.#lanes.values()) run.request?.interrupt()
    this.#lanes.clear()
  }

  #isFull(): boolean {
    return (
      this.#isLearning ||
      this.#queued >= this.#options.queueMax ||
      this.#tracker.window >= this.#options.windowMax
    )
  }

  /** Pauses when full; resumes only at half, since each change throws a fetched batch away. */
  #adjustPause(): void {
    if (this.#phase !== 'running') return
    const { queueMax, windowMax } = this.#options
    const hasRoom =
      !this.#isLearning && this.#queued <= queueMax / 2 && this.#tracker.window <= windowMax / 2
    if (this.#isPaused ? hasRoom : this.#isFull()) {
      this.#isPaused = !this.#isPaused
      this.#options.setPaused(this.#isPaused)
    }
  }
}
