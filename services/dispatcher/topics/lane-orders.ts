import { DueHeap } from '../lane/due-heap.ts'
import type { Lane } from '../lane/lane.ts'
import type { LaneCommand, Moment } from '../lane/lane-command.ts'
import type { LaneRun, LaneRunner } from './lane-runner.ts'
import { type Filling, LogSweeper } from './log-sweeper.ts'
import type { Ownership, SessionPorts } from './session-ports.ts'
import type { TopicOffsets } from './topic-offsets.ts'

/** Tells a lane what happened; what it says to that comes back as orders. */
export type Tell = (
  run: LaneRun,
  happen: (lane: Lane, at: Moment) => readonly LaneCommand[],
) => void

export interface LaneOrdersOptions {
  readonly partition: number
  readonly offsets: TopicOffsets
  readonly runner: LaneRunner
  readonly ports: SessionPorts
  readonly ownership: Ownership
  readonly tell: Tell
  /** The lane has nothing to do any more. */
  readonly onClosed: (run: LaneRun) => void
}

/**
 * Carries out what the lanes of one session say, and tells them what came of it. Holds what a lane
 * waits for meanwhile: its time, a piece of the log, a commit.
 */
export class LaneOrders {
  readonly #options: LaneOrdersOptions
  readonly #sweeper: LogSweeper<LaneRun>
  readonly #parked = new DueHeap<LaneRun>()
  #barriers = new Set<LaneRun>()
  /** Lane records and dead letters that are being produced, in order, each with when that began. */
  readonly #writes = new Map<Promise<void>, number>()
  /** Gaps for deleted events that are being written down, each with a lane that waits for it. */
  readonly #recordings = new Set<Promise<void>>()
  /** Back-fills that are over, for all that is known here. */
  #endings: (() => void)[] = []

  constructor(options: LaneOrdersOptions) {
    const { partition, ports } = options
    this.#options = options
    this.#sweeper = new LogSweeper({
      read: (from) => ports.readLog(partition, from),
      onFilled: ({ lane: run, from }, filling) => this.#fill(run, from, filling),
      clock: ports.clock,
      logger: ports.logger,
    })
  }

  /** Whether a lane waits for a commit. */
  get isCommitAwaited(): boolean {
    return this.#barriers.size > 0
  }

  /** When the oldest record or dead letter that is not durable yet was begun, by `Clock.elapsed`; null: there is none. */
  get oldestWriteAt(): number | null {
    const [oldest] = this.#writes.values()
    return oldest ?? null
  }

  carryOut(run: LaneRun, command: LaneCommand): void {
    const { runner, ports, offsets, onClosed } = this.#options
    const { workspaceId } = run.lane
    switch (command.kind) {
      case 'connect':
        run.waitsSince = ports.clock.elapsed()
        runner.connect(run)
        break
      case 'take-turn':
        runner.enqueue(run)
        break
      case 'park':
        this.#parked.add(command.wakeAt, run)
        runner.parked(run)
        break
      case 'save':
        this.#save(run, command)
        break
      case 'bury':
        this.#bury(run, command)
        break
      case 'settle':
        offsets.settleEvents(command.offsets)
        break
      case 'settle-record':
        offsets.settle(command.position)
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
        this.#endings.push(() => ports.replayed(workspaceId, command.replay, command.isThrough))
        this.tellEndings()
        break
      case 'close':
        onClosed(run)
        break
    }
  }

  #save(run: LaneRun, { record, tier }: Extract<LaneCommand, { kind: 'save' }>): void {
    const { partition, ports, ownership, tell } = this.#options
    this.#write(
      ports.saveRecord({ partition, record, tier }, ownership).then((saved) => {
        if (saved.kind === 'durable') {
          tell(run, (lane, at) => lane.saved(record.version, saved.offset, at))
        } else if (saved.kind === 'refused') tell(run, (lane, at) => lane.refused(record, at))
      }),
    )
  }

  #bury(run: LaneRun, { burial }: Extract<LaneCommand, { kind: 'bury' }>): void {
    const { partition, runner, ports, ownership, tell } = this.#options
    const { workspaceId } = run.lane
    // Else its last attempt says what is to be written down.
    if (burial.reason === 'too_large' && run.onBuried === null) runner.recordRefused(run)
    const isSent = run.sent?.offset === burial.event.offset
    const eventId = isSent ? (run.sent?.eventId ?? null) : null
    this.#write(
      ports.bury({ partition, workspaceId, burial, eventId }, ownership).then(() => {
        if (!ownership.isGone()) {
          ports.buried(burial.reason)
          run.onBuried?.()
        }
        run.onBuried = null
        tell(run, (lane, at) => lane.buried(at))
      }),
    )
  }

  /**
   * Tells of the back-fills that are over; false while that must wait. A process that stood still
   * does not know what others sent since: its "done" would close a gap that is still open.
   */
  tellEndings(): boolean {
    if (this.#endings.length === 0) return true
    if (!this.#options.ownership.isCertain()) return false
    const endings = this.#endings
    this.#endings = []
    for (const tell of endings) tell()
    return true
  }

  /** What was deleted is on record before the lane goes on. */
  #fill(run: LaneRun, from: number, { events, upTo, begins }: Filling): void {
    const { ports, tell } = this.#options
    const fill = () =>
      tell(run, (lane, at) =>
        lane.filled(events, { from, upTo, isEnd: upTo >= at.mainPosition }, at),
      )
    if (begins === null) {
      fill()
      return
    }
    const recording = ports.recordDeleted(run.lane, begins).then(() => {
      this.#recordings.delete(recording)
      fill()
    })
    this.#recordings.add(recording)
  }

  #write(write: Promise<void>): void {
    const mine = write.finally(() => this.#writes.delete(mine))
    this.#writes.set(mine, this.#options.ports.clock.elapsed())
  }

  /** Resolves when everything is durable, and what follows from it as well. */
  async written(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes.keys())
  }

  /** Wakes the parked lanes whose time has come, and tells what had to wait. */
  wakeDue(elapsed: number): void {
    this.tellEndings()
    for (let run = this.#parked.takeDue(elapsed); run; run = this.#parked.takeDue(elapsed)) {
      const { state, wakeAt } = run.lane
      if (state === 'parked' && wakeAt <= elapsed) this.#options.tell(run, (lane) => lane.due())
    }
  }

  /** Lanes that asked for a commit before the one that begins now. */
  takeBarriers(): ReadonlySet<LaneRun> {
    const barriers = this.#barriers
    this.#barriers = new Set()
    return barriers
  }

  /**
   * The commit succeeded. A lane that has asked again meanwhile is told by the next one: told twice,
   * the second time might end the barrier of a later dead letter, which no commit covers (R4).
   */
  covered(barriers: ReadonlySet<LaneRun>): void {
    for (const run of barriers) {
      if (!this.#barriers.has(run)) this.#options.tell(run, (lane, at) => lane.covered(at))
    }
  }

  /** The commit failed: they wait for the next one. */
  uncovered(barriers: ReadonlySet<LaneRun>): void {
    for (const run of barriers) this.#barriers.add(run)
  }

  /** Resolves when no lane waits for a piece of the log any more. */
  async read(): Promise<void> {
    await this.#sweeper.idle()
    while (this.#recordings.size > 0) {
      await Promise.all(this.#recordings)
      await this.#sweeper.idle()
    }
  }

  stop(): void {
    this.#sweeper.stop()
  }
}
