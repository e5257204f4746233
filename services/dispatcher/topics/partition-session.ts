import type { LaneHead } from '../../shared/lane-record.ts'
import type { SequencePosition } from '../../shared/postgres/sequence-positions.ts'
import { sequenceOf } from '../../shared/sequence.ts'
import { Lane } from '../lane/lane.ts'
import type { LaneCommand, Moment } from '../lane/lane-command.ts'
import type { Checkpoints } from '../lane/lane-options.ts'
import type { RecordPosition } from '../lane/record-ledger.ts'
import { EventIntake } from './event-intake.ts'
import type { Handover } from './handover.ts'
import { LaneOrders } from './lane-orders.ts'
import { LaneRecordIntake } from './lane-record-intake.ts'
import { type LaneRun, type LaneRunner, newRun } from './lane-runner.ts'
import type { FoundRecord } from './rebuild.ts'
import type { ArrivedMessage, Ownership, SessionPorts } from './session-ports.ts'
import { type CommitKind, type SessionCommit, TopicOffsets } from './topic-offsets.ts'

/**
 * Everything that is owned of partition p of all topics between assignment and revocation: the
 * offset trackers, the lanes, the parked heads. Nothing of it is shared with another session.
 *
 *   holding      assigned, but the owner before may still have a request open: nothing starts
 *   rebuilding   the lane records of earlier owners are read; the events topic stands still
 *   running      records are taken, requests start
 *   draining     being given up: nothing starts, requests that are open may end and count
 *   fenced       given up: whatever still ends here changes nothing
 *
 * Drain first, then fence: the other way round an answer that arrives in between would be thrown
 * away, and the next owner would post the same call to the customer a second time.
 */
export type SessionPhase = 'holding' | 'rebuilding' | 'running' | 'draining' | 'fenced'

export interface SessionLimits extends Checkpoints {
  /** Most events queued on-line in memory; past it the events topic is paused. */
  readonly queueMax: number
  /** Most events in memory of one lane; past it the lane goes off-line. */
  readonly laneQueueMax: number
  /** Most events in memory of a parked lane. */
  readonly parkedMax: number
  /** Widest range of offsets between watermark and position; what a commit can describe. */
  readonly windowMax: number
}

export interface SessionOptions {
  readonly handover: Handover
  readonly eventsTopic: string
  /** Tells this session's lane records from those of others. */
  readonly id: string
  readonly limits: SessionLimits
  readonly runner: LaneRunner
  readonly ports: SessionPorts
}

export class PartitionSession {
  readonly partition: number
  readonly #options: SessionOptions
  readonly #offsets: TopicOffsets
  readonly #events: EventIntake
  readonly #laneRecords: LaneRecordIntake
  readonly #orders: LaneOrders
  readonly #lanes = new Map<string, LaneRun>()
  /** Those that may be able to go back on-line. */
  readonly #resting = new Set<LaneRun>()
  #phase: SessionPhase = 'holding'
  #queued = 0
  #inFlight = 0
  #drained: (() => void) | null = null
  readonly #ownership: Ownership = {
    isGone: () => this.#phase === 'fenced',
    isCertain: () => this.#options.ports.isInLease(),
  }

  constructor(options: SessionOptions) {
    const { handover, runner, ports, eventsTopic } = options
    this.#options = options
    this.partition = handover.partition
    const { windowMax } = options.limits
    this.#offsets = new TopicOffsets(handover, { eventsTopic, windowMax }, (topic, paused) =>
      ports.setPaused(topic, this.partition, paused),
    )
    this.#events = new EventIntake({
      partition: this.partition,
      offsets: this.#offsets,
      onEvent: (...event) => this.#offer(...event),
      onLearned: () => this.#adjustPause(),
      eventsTopic,
      ports,
    })
    this.#laneRecords = new LaneRecordIntake({
      offsets: this.#offsets,
      laneRanges: handover.laneRanges,
      onEcho: (found) => this.#echoed(found),
      clock: ports.clock,
      logger: ports.logger,
    })
    this.#orders = new LaneOrders({
      partition: this.partition,
      offsets: this.#offsets,
      ownership: this.#ownership,
      tell: (run, happen) => this.tell(run, happen),
      onClosed: (run) => this.#dropLane(run),
      runner,
      ports,
    })
  }

  get phase(): SessionPhase {
    return this.#phase
  }

  get lanes(): Iterable<LaneRun> {
    return this.#lanes.values()
  }

  /** The place of an event in the order of its workspace, as customers see it. */
  sequenceOf(offset: number): number {
    return sequenceOf(this.#options.handover.epoch, offset)
  }

  /** How far the events are read. */
  get sequencePosition(): SequencePosition {
    const { epoch } = this.#options.handover
    return { partition: this.partition, epoch, nextOffset: this.#offsets.events.position }
  }

  /** The next offset to be read of each topic. */
  get positions(): ReadonlyMap<string, number> {
    return this.#offsets.positions
  }

  /** Records of the events topic that were read and are not covered by the watermark. */
  get window(): number {
    return this.#offsets.events.window
  }

  /** At 1 a topic stands until something is settled. A rebuild may go beyond: it settles nothing yet. */
  get windowUsedRatio(): number {
    return this.#phase === 'running' ? this.#offsets.windowUsedRatio : 0
  }

  /** See `LaneOrders`: that lane stands. */
  get oldestWriteAt(): number | null {
    return this.#orders.oldestWriteAt
  }

  /** See `EventIntake`: those events are in no lane yet. */
  get heldUpSince(): number | null {
    return this.#events.heldUpSince
  }

  get hasChanged(): boolean {
    return this.#offsets.hasChanged || this.#orders.isCommitAwaited
  }

  start(): void {
    this.#phase = 'rebuilding'
    this.#offsets.openLaneTopics()
    this.#finishRebuild()
  }

  /**
   * Takes records over and answers how many; the rest is fetched again after a pause. `next`: where
   * reading goes on once all are taken; default: behind the last one.
   */
  records(topic: string, messages: readonly ArrivedMessage[], next = 0): number {
    const isLog = topic === this.#options.eventsTopic
    const taken = isLog ? this.#takeEvents(messages) : this.#takeLaneRecords(topic, messages)
    if (taken === messages.length) this.#passed(topic, next)
    return taken
  }

  /**
   * What lies there is no record of anybody: the ends of transactions, and what was aborted. It counts
   * as read, or a rebuild and a back-fill that wait for the end of a log would wait for the next record.
   */
  #passed(topic: string, next: number): void {
    const isRead = this.#phase === 'running' || this.#phase === 'rebuilding'
    if (!isRead || next <= this.#offsets.of(topic).position) return
    this.#offsets.pass(topic, next)
    if (this.#phase === 'rebuilding') this.#finishRebuild()
    else this.#applyRewinds()
  }

  #takeLaneRecords(topic: string, messages: readonly ArrivedMessage[]): number {
    if (this.#phase === 'rebuilding') return this.#takeEarlierRecords(topic, messages)
    if (this.#phase !== 'running') return 0
    let taken = 0
    for (const message of messages) {
      if (this.#offsets.isFull(topic)) break
      this.#laneRecords.take(topic, message)
      taken++
    }
    this.#applyRewinds()
    this.#offsets.adjustPause(topic)
    return taken
  }

  /**
   * All of them, however wide the window gets: nothing is settled before the last one is read, so a
   * session that waited for room would wait for ever.
   */
  #takeEarlierRecords(topic: string, messages: readonly ArrivedMessage[]): number {
    for (const message of messages) this.#laneRecords.take(topic, message)
    this.#finishRebuild()
    return messages.length
  }

  #takeEvents(messages: readonly ArrivedMessage[]): number {
    if (this.#phase !== 'running') return 0
    let taken = 0
    for (const message of messages) {
      if (this.#isFull() || !this.#events.take(message)) break
      taken++
    }
    this.#adjustPause()
    return taken
  }

  /** R2: what the metadata calls settled may be so only because an off-line lane covers it. */
  #offer(workspaceId: string, event: LaneHead, isOpen: boolean): void {
    const known = this.#lanes.get(workspaceId)
    const isClaimed = known?.lane.isOffline && event.offset < this.#offsets.horizon
    if (!isOpen && !isClaimed) return
    const run = known ?? this.#addLane(Lane.online(this.#laneOptions(workspaceId), event.offset))
    this.#options.runner.noteRead(run)
    this.tell(run, (lane, at) => lane.offer(event, at))
  }

  /** False: not this session's record, or of a lane that is over. */
  #echoed({ record, position }: FoundRecord): boolean {
    const run = this.#lanes.get(record.workspaceId)
    if (!run || record.session !== this.#options.id) return false
    this.tell(run, (lane, at) => lane.echoed(record.version, position, at))
    return true
  }

  /** Lanes of earlier owners stand; from here on the events topic is read. */
  #finishRebuild(): void {
    const found = this.#laneRecords.finishRebuild()
    if (found === null) return
    this.#phase = 'running'
    const { isOtherLog } = this.#options.handover
    if (isOtherLog) this.#dropRewinds()
    for (const each of found) {
      const rewind = isOtherLog ? this.#ofOtherLog(each) : each
      const options = this.#laneOptions(rewind.record.workspaceId)
      const { lane, commands } = Lane.fromRecord(options, rewind, this.#moment())
      const run = this.#addLane(lane)
      this.#carryOut(run, commands)
      if (isOtherLog) this.tell(run, (parked, at) => parked.renew(at))
    }
    this.#applyRewinds()
    this.#adjustPause()
  }

  /** Else they would hold the catch-up topic until the new log is as long as the one before. */
  #dropRewinds(): void {
    for (const { record } of this.#laneRecords.dropRewinds()) {
      const { workspaceId, replay } = record
      if (replay !== null) this.#options.ports.replayed(workspaceId, replay, false)
    }
  }

  /**
   * The log was made anew. The head is still to be delivered, and what comes next is the first event
   * of the new log: taken by its old offset it would hide all events before it. A back-fill is over,
   * since what it was to bring is gone.
   */
  #ofOtherLog({ record, position }: FoundRecord): FoundRecord {
    const { ports } = this.#options
    const { workspaceId, replay, head } = record
    if (replay !== null) ports.replayed(workspaceId, replay, false)
    const offset = this.#offsets.events.position - 1
    return { position, record: { ...record, head: { ...head, offset }, replay: null } }
  }

  #applyRewinds(): void {
    const { runner } = this.#options
    const isEarly = (id: string) => runner.isUndecided(this.#lanes.get(id))
    for (const found of this.#laneRecords.takeRewinds(isEarly)) {
      const { workspaceId } = found.record
      const run =
        this.#lanes.get(workspaceId) ??
        this.#addLane(Lane.online(this.#laneOptions(workspaceId), this.#offsets.events.position))
      this.tell(run, (lane, at) => lane.rewind(found, at))
    }
  }

  #addLane(lane: Lane): LaneRun {
    const run = newRun(lane, this, this.#options.ports.clock)
    this.#lanes.set(lane.workspaceId, run)
    this.#options.runner.noteRead(run)
    return run
  }

  /** The one way to change a lane: tells it what happened and does what it says. */
  tell(run: LaneRun, happen: (lane: Lane, at: Moment) => readonly LaneCommand[]): void {
    if (this.#phase === 'fenced') return
    const before = onlineLength(run.lane)
    const commands = happen(run.lane, this.#moment())
    this.#queued += onlineLength(run.lane) - before
    this.#carryOut(run, commands)
  }

  #carryOut(run: LaneRun, commands: readonly LaneCommand[]): void {
    for (const command of commands) this.#orders.carryOut(run, command)
    if (run.lane.state === 'resting') this.#resting.add(run)
    this.#adjustPause()
    this.#options.ports.pump()
  }

  #dropLane(run: LaneRun): void {
    this.#lanes.delete(run.lane.workspaceId)
    this.#resting.delete(run)
    this.#offsets.changed(this.#options.eventsTopic)
  }

  /** Events that nobody has read were deleted: of any workspace, also of those that wait here. */
  cutOff(): void {
    if (this.#phase !== 'running') return
    for (const run of [...this.#lanes.values()]) this.tell(run, (lane, at) => lane.cutOff(at))
  }

  /** The lane of a workspace whose connection was loaded or changed. */
  connectionLoaded(workspaceId: string): void {
    const run = this.#lanes.get(workspaceId)
    if (run && this.#phase === 'running') this.#options.runner.connectionLoaded(run)
  }

  /** Wakes lanes whose time has come; looks after those that hold a watermark back. */
  tick(): void {
    if (this.#phase !== 'running') return
    const elapsed = this.#options.ports.clock.elapsed()
    this.#orders.wakeDue(elapsed)
    this.#applyRewinds()
    for (const run of this.#resting) this.#wakeResting(run)
    // Thousands of parked lanes must cost nothing, so they are looked at only when room is scarce.
    if (!this.#isCrowded && !this.#offsets.isAnyHalfFull) return
    for (const run of [...this.#lanes.values()]) this.#relieve(run, elapsed)
  }

  #wakeResting(run: LaneRun): void {
    this.tell(run, (lane, at) => lane.advanced(at))
    if (run.lane.state !== 'resting') this.#resting.delete(run)
  }

  get #isCrowded(): boolean {
    return this.#queued > this.#options.limits.queueMax / 2
  }

  #relieve(run: LaneRun, elapsed: number): void {
    const isScarce = this.#isCrowded || this.#offsets.isHalfFull(this.#options.eventsTopic)
    if (isScarce && isCrowding(run, elapsed)) {
      this.tell(run, (crowding, at) => crowding.handOver(at))
    }
    const place = this.#placeOf(run.lane)
    if (place && this.#offsets.isPinnedBy(place)) {
      this.tell(run, (pinning, at) => pinning.renew(at))
    }
  }

  /** Where the record lies that nothing may be committed beyond because of this lane. */
  #placeOf({ isOffline, recordPosition, head }: Lane): RecordPosition | null {
    if (isOffline) return recordPosition
    return head ? { topic: this.#options.eventsTopic, offset: head.offset } : null
  }

  requestStarted(): void {
    this.#inFlight++
  }

  requestEnded(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#drained?.()
  }

  /** Tells of the back-fills that are over; false while that must wait. */
  tellEndings(): boolean {
    return this.#orders.tellEndings()
  }

  /** What may be committed now. */
  commit(how: CommitKind): SessionCommit {
    const barriers = this.#orders.takeBarriers()
    return {
      offsets: this.#offsets.commit(this.partition, how),
      onTaken: () => this.#orders.covered(barriers),
      onFailed: () => {
        this.#offsets.commitFailed()
        this.#orders.uncovered(barriers)
      },
    }
  }

  /**
   * Starts nothing new; resolves when no request is open any more and each lane's record says how
   * far it is. A record that comes after the clean marker would be missed by the next owner, and a
   * record that is behind would make it deliver again what has been delivered.
   */
  async drain(): Promise<void> {
    if (this.#phase !== 'fenced') this.#phase = 'draining'
    await this.#requestsEnded()
    // A lane whose head was delivered, and that still looks for the next one, has a record that names
    // the old head: the next owner would send it again.
    await this.#orders.read()
    await this.#orders.written()
    for (const run of this.#resting) this.tell(run, (lane, at) => lane.advanced(at))
    for (const run of this.#lanes.values()) this.tell(run, (lane, at) => lane.leave(at))
    await this.#orders.written()
  }

  #requestsEnded(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  /** Ends what is still open; its outcome is lost, so the next owner sends it again. */
  fence(): void {
    this.#phase = 'fenced'
    this.#orders.stop()
    for (const run of this.#lanes.values()) run.request?.interrupt()
    this.#lanes.clear()
  }

  #moment(): Moment {
    const { clock } = this.#options.ports
    const { position: mainPosition } = this.#offsets.events
    return { now: clock.now(), elapsed: clock.elapsed(), mainPosition }
  }

  #laneOptions(workspaceId: string) {
    const { limits, id } = this.#options
    return {
      workspaceId,
      queueMax: limits.laneQueueMax,
      parkedMax: limits.parkedMax,
      checkpointEvery: limits.checkpointEvery,
      checkpointMs: limits.checkpointMs,
      horizon: this.#offsets.horizon,
      session: id,
      nextVersion: () => this.#laneRecords.nextVersion(),
    }
  }

  #isFull(): boolean {
    const { eventsTopic, limits } = this.#options
    const isQueueFull = this.#queued >= limits.queueMax
    return this.#events.heldUpSince !== null || isQueueFull || this.#offsets.isFull(eventsTopic)
  }

  #adjustPause(): void {
    if (this.#phase !== 'running') return
    const { queueMax } = this.#options.limits
    const hasRoom = this.#events.heldUpSince === null && this.#queued <= queueMax / 2
    this.#offsets.adjustPause(this.#options.eventsTopic, { isFull: this.#isFull(), hasRoom })
  }
}

function onlineLength(lane: Lane): number {
  return lane.isOffline ? 0 : lane.length
}

/** Longest that the queue of one lane may take to empty while others wait for room. */
const CROWDING_MS = 5_000

/**
 * Its endpoint is slow for what it has queued, or nobody tells its connection: the events of others
 * behind it must not wait for it.
 */
function isCrowding(run: LaneRun, elapsed: number): boolean {
  const { lane, request, startedAt, durationMs, waitsSince } = run
  if (lane.isOffline) return false
  if (lane.state === 'waiting') return elapsed - waitsSince > CROWDING_MS
  const openMs = request === null ? 0 : elapsed - startedAt
  return lane.length * Math.max(durationMs, openMs) > CROWDING_MS
}
