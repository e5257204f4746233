import { WINDOW_MAX } from '../lane/commit-metadata.ts'
import { DueHeap } from '../lane/due-heap.ts'
import { Lane } from '../lane/lane.ts'
import type { LaneCommand, Moment } from '../lane/lane-command.ts'
import { fromHeaders } from '../lane/lane-record.ts'
import type { Handover } from './handover.ts'
import type { LaneRun, LaneRunner } from './lane-runner.ts'
import { LogSweeper } from './log-sweeper.ts'
import { type FoundRecord, isRewind, Rebuild } from './rebuild.ts'
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

export interface SessionLimits {
  /** Most events queued on-line in memory; past it the events topic is paused. */
  readonly queueMax: number
  /** Most events in memory of one lane; past it the lane goes off-line. */
  readonly laneQueueMax: number
  /** Most events in memory of a parked lane. */
  readonly parkedMax: number
  /** Deliveries, and milliseconds, after which an off-line lane writes down how far it is. */
  readonly checkpointEvery: number
  readonly checkpointMs: number
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
  readonly #rebuild: Rebuild
  readonly #sweeper: LogSweeper<LaneRun>
  readonly #lanes = new Map<string, LaneRun>()
  readonly #parked = new DueHeap<LaneRun>()
  #barriers = new Set<LaneRun>()
  #rewinds: FoundRecord[] = []
  #phase: SessionPhase = 'holding'
  #queued = 0
  #inFlight = 0
  #isLearning = false
  #version = 0
  #drained: (() => void) | null = null
  readonly #ownership: Ownership = {
    isGone: () => this.#phase === 'fenced',
    isCertain: () => this.#options.ports.isInLease(),
  }

  constructor(options: SessionOptions) {
    const { handover, ports, eventsTopic } = options
    this.#options = options
    this.partition = handover.partition
    this.#offsets = new TopicOffsets(handover, eventsTopic, (topic, paused) =>
      ports.setPaused(topic, this.partition, paused),
    )
    this.#rebuild = new Rebuild(handover.laneRanges)
    this.#sweeper = new LogSweeper({
      read: (from) => ports.readLog(this.partition, from),
      onFilled: ({ lane: run, from }, events, upTo) =>
        this.tell(run, (lane, at) =>
          lane.filled(events, { from, upTo, isEnd: upTo >= at.mainPosition }, at),
        ),
      clock: ports.clock,
      logger: ports.logger,
    })
  }

  get phase(): SessionPhase {
    return this.#phase
  }

  get lanes(): Iterable<LaneRun> {
    return this.#lanes.values()
  }

  /** Records of the events topic that were read and are not covered by the watermark. */
  get window(): number {
    return this.#offsets.events.window
  }

  get hasChanged(): boolean {
    return this.#offsets.hasChanged || this.#barriers.size > 0
  }

  start(): void {
    this.#phase = 'rebuilding'
    this.#offsets.openLaneTopics()
    this.#finishRebuild()
  }

  /** Takes records over and answers how many; the rest is fetched again after a pause. */
  records(topic: string, messages: readonly ArrivedMessage[]): number {
    if (topic === this.#options.eventsTopic) return this.#takeEvents(messages)
    if (this.#phase !== 'rebuilding' && this.#phase !== 'running') return 0
    let taken = 0
    for (const message of messages) {
      if (this.#offsets.isFull(topic)) break
      this.#takeLaneRecord(topic, message)
      taken++
    }
    if (this.#phase === 'rebuilding') this.#finishRebuild()
    this.#offsets.adjustPause(topic)
    return taken
  }

  #takeEvents(messages: readonly ArrivedMessage[]): number {
    if (this.#phase !== 'running') return 0
    let taken = 0
    for (const message of messages) {
      if (this.#isFull() || !this.#takeEvent(message)) break
      taken++
    }
    this.#adjustPause()
    return taken
  }

  /** False: not now, its schema has to be fetched first. */
  #takeEvent(message: ArrivedMessage): boolean {
    const { logger, decoder } = this.#options.ports
    const offset = Number(message.offset)
    const { key, value } = message
    const isReadable = key !== null && value !== null && decoder.isFramed(value)
    if (isReadable && !decoder.knows(value)) {
      this.#learn(value)
      return false
    }
    const tracker = this.#offsets.events
    const isSeen = offset < tracker.position
    const isOpen = tracker.track(offset)
    if (isSeen) return true
    this.#offsets.changed(this.#options.eventsTopic)
    if (isReadable) {
      this.#offer(key.toString(), { offset, value, acceptedAt: Number(message.timestamp) }, isOpen)
    } else if (isOpen) {
      logger.error({ partition: this.partition, offset }, 'event.unreadable')
      tracker.settle(offset)
    }
    return true
  }

  /** R2: what the metadata calls settled may be so only because an off-line lane covers it. */
  #offer(
    workspaceId: string,
    event: { offset: number; value: Buffer; acceptedAt: number },
    isOpen: boolean,
  ): void {
    const known = this.#lanes.get(workspaceId)
    const isClaimed = known?.lane.isOffline && event.offset < this.#offsets.horizon
    if (!isOpen && !isClaimed) return
    const run = known ?? this.#addLane(Lane.online(this.#laneOptions(workspaceId), event.offset))
    this.#options.runner.noteRead(run)
    this.tell(run, (lane, at) => lane.offer(event, at))
  }

  #takeLaneRecord(topic: string, message: ArrivedMessage): void {
    const offset = Number(message.offset)
    const tracker = this.#offsets.of(topic)
    if (!tracker.track(offset)) return
    this.#offsets.changed(topic)
    const record = readLaneRecord(message)
    if (record === null) {
      this.#options.ports.logger.error({ topic, offset }, 'lane_record.unreadable')
      tracker.settle(offset)
      return
    }
    const found = { record, position: { topic, offset } }
    if (this.#phase === 'rebuilding') this.#rebuild.add(found)
    else this.#arrived(found)
  }

  #arrived(found: FoundRecord): void {
    const { record, position } = found
    this.#version = Math.max(this.#version, record.version)
    if (isRewind(record)) {
      this.#rewinds.push(found)
      this.#applyRewinds()
      return
    }
    const run = this.#lanes.get(record.workspaceId)
    if (run && record.session === this.#options.id) {
      this.tell(run, (lane, at) => lane.echoed(record.version, position, at))
      return
    }
    // A record that an owner before us sent and that came after we had read to the end: its
    // events were never settled by that record, so we have them from the log; it is a zombie's.
    this.#offsets.settle(position)
  }

  /** Lanes of earlier owners stand; from here on the events topic is read. */
  #finishRebuild(): void {
    if (!this.#rebuild.isComplete((topic) => this.#offsets.of(topic).position)) return
    for (const position of this.#rebuild.outdated) this.#offsets.settle(position)
    for (const { record } of this.#rebuild.lanes) {
      this.#version = Math.max(this.#version, record.version)
    }
    this.#phase = 'running'
    for (const found of this.#rebuild.lanes) {
      const options = this.#laneOptions(found.record.workspaceId)
      const { lane, commands } = Lane.fromRecord(options, found, this.#moment())
      this.#carryOut(this.#addLane(lane), commands)
    }
    this.#rewinds.push(...this.#rebuild.rewinds)
    this.#applyRewinds()
    this.#adjustPause()
  }

  /** Not while the metadata still calls events settled that are not: they would count as replayed. */
  #applyRewinds(): void {
    if (this.#offsets.events.position < this.#offsets.horizon) return
    const rewinds = this.#rewinds
    this.#rewinds = []
    for (const { record, position } of rewinds) {
      const { workspaceId } = record
      const run =
        this.#lanes.get(workspaceId) ??
        this.#addLane(Lane.online(this.#laneOptions(workspaceId), this.#offsets.events.position))
      this.tell(run, (lane, at) => lane.rewind({ record, position }, at))
    }
  }

  #addLane(lane: Lane): LaneRun {
    const run: LaneRun = {
      lane,
      session: this,
      request: null,
      startedAt: 0,
      missed: null,
      readAtQuery: 0,
    }
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
    for (const command of commands) this.#obey(run, command)
    this.#adjustPause()
    this.#options.ports.pump()
  }

  #obey(run: LaneRun, command: LaneCommand): void {
    const { runner, ports, eventsTopic } = this.#options
    const { workspaceId } = run.lane
    switch (command.kind) {
      case 'connect':
        runner.connect(run)
        break
      case 'take-turn':
        runner.enqueue(run)
        break
      case 'park':
        this.#parked.add(command.dueAt, run)
        break
      case 'save':
        this.#save(run, command)
        break
      case 'bury':
        this.#bury(run, command)
        break
      case 'settle':
        this.#offsets.settleEvents(command.offsets)
        break
      case 'settle-record':
        this.#offsets.settle(command.position)
        break
      case 'read':
        this.#sweeper.want({ lane: run, workspaceId, from: command.from })
        break
      case 'commit':
        this.#barriers.add(run)
        if (command.isUrgent) ports.requestCommit()
        break
      case 'replayed':
        run.missed = null
        ports.replayed(workspaceId, command.replay)
        break
      case 'close':
        this.#lanes.delete(workspaceId)
        this.#offsets.changed(eventsTopic)
        break
    }
  }

  #save(run: LaneRun, { record, tier }: Extract<LaneCommand, { kind: 'save' }>): void {
    const save = { partition: this.partition, record, tier }
    void this.#options.ports
      .saveRecord(save, this.#ownership)
      .then(() => this.tell(run, (lane, at) => lane.saved(record.version, at)))
  }

  #bury(run: LaneRun, { burial }: Extract<LaneCommand, { kind: 'bury' }>): void {
    const letter = { partition: this.partition, workspaceId: run.lane.workspaceId, burial }
    void this.#options.ports
      .bury(letter, this.#ownership)
      .then(() => this.tell(run, (lane, at) => lane.buried(at)))
  }

  /** A schema that the registry does not give keeps only this partition waiting, and it says so. */
  #learn(value: Buffer): void {
    if (this.#isLearning) return
    this.#isLearning = true
    void this.#options.ports.decoder.learn(value).then(() => {
      this.#isLearning = false
      this.#adjustPause()
    })
  }

  /** The lane of a workspace whose connection was loaded or changed. */
  connectionLoaded(workspaceId: string): void {
    const run = this.#lanes.get(workspaceId)
    if (run && this.#phase === 'running') this.#options.runner.connectionLoaded(run)
  }

  /** Wakes lanes whose time has come; looks after those that hold a watermark back. */
  tick(now: number): void {
    if (this.#phase !== 'running') return
    for (let run = this.#parked.takeDue(now); run; run = this.#parked.takeDue(now)) {
      if (run.lane.state === 'parked' && run.lane.dueAt <= now) this.tell(run, (lane) => lane.due())
    }
    this.#applyRewinds()
    for (const run of [...this.#lanes.values()]) this.#lookAfter(run)
  }

  #lookAfter(run: LaneRun): void {
    const { lane } = run
    const { events } = this.#offsets
    if (lane.state === 'resting') this.tell(run, (resting, at) => resting.advanced(at))
    const isPinning = !lane.isOffline && lane.head?.offset === events.watermark
    if (isPinning && events.window > WINDOW_MAX / 2) {
      this.tell(run, (pinning, at) => pinning.handOver(at))
    }
    const position = lane.recordPosition
    if (position && this.#offsets.isPinnedBy(position)) {
      this.tell(run, (pinning, at) => pinning.renew(at))
    }
  }

  requestStarted(): void {
    this.#inFlight++
  }

  requestEnded(): void {
    this.#inFlight--
    if (this.#inFlight === 0) this.#drained?.()
  }

  /** What may be committed now. */
  commit(how: CommitKind): SessionCommit {
    const barriers = this.#barriers
    this.#barriers = new Set()
    return {
      offsets: this.#offsets.commit(this.partition, how),
      onTaken: () => {
        for (const run of barriers) this.tell(run, (lane, at) => lane.covered(at))
      },
      onFailed: () => {
        this.#offsets.commitFailed()
        for (const run of barriers) this.#barriers.add(run)
      },
    }
  }

  /** Starts nothing new; resolves when no request is open any more. */
  drain(): Promise<void> {
    if (this.#phase !== 'fenced') this.#phase = 'draining'
    this.#sweeper.stop()
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  /** Ends what is still open; its outcome is lost, so the next owner sends it again. */
  fence(): void {
    this.#phase = 'fenced'
    this.#sweeper.stop()
    for (const run of this.#lanes.values()) run.request?.interrupt()
    this.#lanes.clear()
  }

  #moment(): Moment {
    return { now: this.#options.ports.clock.now(), mainPosition: this.#offsets.events.position }
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
      nextVersion: () => {
        this.#version = Math.max(this.#options.ports.clock.now(), this.#version + 1)
        return this.#version
      },
    }
  }

  #isFull(): boolean {
    const { eventsTopic, limits } = this.#options
    return this.#isLearning || this.#queued >= limits.queueMax || this.#offsets.isFull(eventsTopic)
  }

  #adjustPause(): void {
    if (this.#phase !== 'running') return
    const hasRoom = !this.#isLearning && this.#queued <= this.#options.limits.queueMax / 2
    this.#offsets.adjustPause(this.#options.eventsTopic, { isFull: this.#isFull(), hasRoom })
  }
}

function onlineLength(lane: Lane): number {
  return lane.isOffline ? 0 : lane.length
}

function readLaneRecord({ key, value, headers }: ArrivedMessage) {
  if (key === null || value === null) return null
  const texts: Record<string, string> = {}
  for (const [name, header] of Object.entries(headers ?? {})) texts[name] = String(header)
  return fromHeaders(key.toString(), value, texts)
}
