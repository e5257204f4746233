import assert from 'node:assert/strict'
import type { DeadReason } from '../../shared/dead-reason.ts'
import type { LaneHead, LaneRecord, Replay } from '../../shared/lane-record.ts'
import { BackFills, ended, type Rewind } from './back-fills.ts'
import { HeadHistory } from './head-history.ts'
import { LaneCache, type ReadRange } from './lane-cache.ts'
import type { Failure, LaneCommand, Moment } from './lane-command.ts'
import { type LaneOptions, lengthMax } from './lane-options.ts'
import { LaneStanding, settleRecord } from './lane-standing.ts'
import { BUSY, GIVES_UP, type LaneState, WAITS_IN_RECORD } from './lane-state.ts'
import type { RecordPosition } from './record-ledger.ts'

const NONE: readonly LaneCommand[] = []

/** How the attempt ended after which a head is given up; `now` in milliseconds since 1970. */
type LastAttempt = Pick<Failure, 'errorClass' | 'status'> & { readonly now: number }

/**
 * The ordered queue of one workspace within one partition. Pure: it is told what happened and
 * answers commands; whoever carries them out tells it the acknowledgements.
 *
 * Two modes:
 *   on-line    all unsettled events are in memory, and pending in the offset tracker
 *   off-line   a lane record in Kafka stands for the lane; its events are settled for the tracker,
 *              and what is in memory is only a read-ahead of the log
 *
 * States of the head:
 *   waiting      not known yet whether the workspace has a connection
 *   ready        may be sent as soon as it is the lane's turn
 *   delivering   one request is open: never a second one
 *   saving       failed; the record that carries it to its retry topic is being produced
 *   parked       waits for its next attempt, off-line; the followers wait in the log
 *   burying      has spent its attempts, or no topic takes its record; the dead letter is being produced
 *   barrier      a dead letter is out: nothing is sent before a commit covers it (R4, R5)
 *   reading      nothing in memory, the log has more
 *   resting      nothing to send; the lane record cannot be settled yet (R3)
 *   closed       nothing to do: an idle workspace costs nothing
 *
 *   waiting ⇄ ready ⇄ delivering ─failed──> saving ─saved──> parked ─due──> ready
 *                          │ │                  └─refused─┐
 *                          │ └──limit───────────────> burying ─buried──> barrier ─covered──> ready
 *                          └─delivered──> ready | reading ─filled──> ready | resting ──> closed
 *
 * Guarantees: events leave in log order; a follower is sent only after its predecessor was
 * delivered, buried or skipped; waiting spends no attempt.
 */
export class Lane {
  readonly #options: LaneOptions
  readonly #cache: LaneCache
  readonly #standing: LaneStanding
  readonly #backFills = new BackFills()
  #state: LaneState = 'waiting'
  /** Offset of the head, or behind the last event that is done. */
  #cursor: number
  readonly #history = new HeadHistory()
  /** Something was given up, buried or not, and no commit covers it yet. */
  #isBarred = false
  /** Offset of a head whose record Kafka does not take, so that it is not written again and again. */
  #unkeepable: number | null = null

  private constructor(options: LaneOptions, cursor: number) {
    this.#options = options
    this.#cursor = cursor
    this.#cache = new LaneCache(cursor)
    this.#standing = new LaneStanding(options)
  }

  /** For a workspace without a lane whose event at `offset` comes next. */
  static online(options: LaneOptions, offset: number): Lane {
    return new Lane(options, offset)
  }

  /**
   * R1: the head comes from the record, not from the log. What lies between it and the main
   * position is read from the log; what lies beyond passes by and continues the run (R2).
   */
  static fromRecord(
    options: LaneOptions,
    { record, position }: Rewind,
    at: Moment,
  ): { readonly lane: Lane; readonly commands: readonly LaneCommand[] } {
    const { head } = record
    const lane = new Lane(options, head.offset)
    lane.#cache.restart(head, at.mainPosition)
    lane.#standing.standOn(record.version, position, at)
    lane.#backFills.resume(record.replay)
    lane.#history.resume(record, at)
    lane.#state = 'parked'
    return { lane, commands: [{ kind: 'park', wakeAt: lane.wakeAt }] }
  }

  get workspaceId(): string {
    return this.#options.workspaceId
  }

  get state(): LaneState {
    return this.#state
  }

  get isOffline(): boolean {
    return this.#standing.isOffline
  }

  /** Number of the attempt that the head is at; 1 until it has failed. */
  get attempt(): number {
    return this.#history.attempt
  }

  /** What the head has been through. */
  get told(): HeadHistory['told'] {
    return this.#history.told
  }

  /** When a parked head is due, by `Clock.elapsed`. */
  get wakeAt(): number {
    return this.#history.wakeAt
  }

  /** Since when the lane has been parked, if it is. */
  get parkedAt(): number {
    return this.#standing.writtenAt
  }

  /** Events in memory. */
  get length(): number {
    return this.#cache.length
  }

  get head(): LaneHead | undefined {
    return this.#cache.head
  }

  /** Log time of the last event that was delivered, buried or skipped here; null: none was. */
  get doneAt(): number | null {
    return this.#cache.doneAt
  }

  /** Of what is not in memory: with no head, what comes next is not known yet. */
  get hasMoreInLog(): boolean {
    return !this.#cache.isComplete
  }

  /** The back-fill that the head belongs to. */
  get replay(): Replay | null {
    return this.#backFills.of(this.#cursor)
  }

  get recordPosition(): RecordPosition | null {
    return this.#standing.position
  }

  get canGiveUp(): boolean {
    return GIVES_UP.includes(this.#state)
  }

  /** A record of this workspace passed by on the main topic. */
  offer(event: LaneHead, at: Moment): readonly LaneCommand[] {
    const fate = this.#cache.offer(event, lengthMax(this.#options, this.isOffline))
    if (!this.isOffline && fate === 'queued') return this.#wakeUp()
    if (!this.isOffline && fate === 'missed') {
      this.#standing.spill([event.offset])
      return this.handOver(at)
    }
    const settle: LaneCommand = { kind: 'settle', offsets: [event.offset] }
    if (this.#state !== 'resting' || this.#cache.length === 0) return [settle]
    return [settle, ...this.#continue(at)]
  }

  /** The first event of a lane asks for the connection. */
  #wakeUp(): readonly LaneCommand[] {
    const isFirst = this.#state === 'waiting' && this.#cache.length === 1
    if (this.#state !== 'resting' && !isFirst) return NONE
    this.#state = 'waiting'
    return [{ kind: 'connect' }]
  }

  connected(): readonly LaneCommand[] {
    return this.#ready('waiting')
  }

  /** The head's time has come, or an operator said "now". */
  due(): readonly LaneCommand[] {
    return this.#ready('parked')
  }

  /** Our side ended the request: the head is as before and has spent no attempt. */
  interrupted(): readonly LaneCommand[] {
    return this.#ready('delivering')
  }

  /** The connection is not known any more, or has ended, and has to be asked for again. */
  forgotten(): readonly LaneCommand[] {
    this.#become('waiting', ['ready'])
    return [{ kind: 'connect' }]
  }

  begin(): LaneHead {
    this.#become('delivering', ['ready'])
    return this.#mustHead()
  }

  delivered(at: Moment): readonly LaneCommand[] {
    assert(this.#state === 'delivering', `delivered while ${this.#state}`)
    return this.#done(at)
  }

  /** The head is not for this connection: accepted before it, or not part of the back-fill. */
  skip(at: Moment): readonly LaneCommand[] {
    assert(this.#state === 'ready', `skipped while ${this.#state}`)
    return this.#done(at)
  }

  failed({ verdict, ...failure }: Failure, at: Moment): readonly LaneCommand[] {
    if (verdict.kind === 'dead-letter') {
      return this.bury(verdict.reason, { ...failure, now: at.now })
    }
    this.#become('saving', ['delivering'])
    this.#history.failed(failure, at, verdict.dueAt)
    return this.#save(at, { tier: verdict.tier, isAwaited: true })
  }

  /** The head is given up: after its last attempt, or because nobody can ever read it. */
  bury(reason: DeadReason, last: LastAttempt): readonly LaneCommand[] {
    return this.#bury(reason, last, ['delivering', 'ready'])
  }

  #bury(
    reason: DeadReason,
    { errorClass, status, now }: LastAttempt,
    from: readonly LaneState[],
  ): readonly LaneCommand[] {
    const attempts = this.#state === 'delivering' ? this.attempt : this.attempt - 1
    this.#become('burying', from)
    const firstFailedAt = this.#history.told.firstFailedAt ?? (attempts > 0 ? now : null)
    const facts = { reason, attempts, firstFailedAt, errorClass, status }
    return [{ kind: 'bury', burial: { event: this.#mustHead(), ...facts } }]
  }

  /** R4: from here on nothing is sent before the follower's record, or nothing, is committed. */
  buried(at: Moment): readonly LaneCommand[] {
    assert(this.#state === 'burying', `buried while ${this.#state}`)
    this.#isBarred = true
    return this.#done(at)
  }

  /** A commit succeeded that began after the lane had asked for it. */
  covered(at: Moment): readonly LaneCommand[] {
    if (this.#state !== 'barrier') return NONE
    this.#isBarred = false
    return this.#continue(at)
  }

  /** Brings an on-line lane off-line without a failure: it is full, or takes the room of others. */
  handOver(at: Moment): readonly LaneCommand[] {
    return this.isOffline || this.#isUnkeepable ? NONE : this.renew(at)
  }

  /**
   * What stands for the lane, events or a record, holds a watermark back: writes a new record, in any
   * state, since a head may wait for its connection for ever, and other workspaces behind it.
   */
  renew(at: Moment): readonly LaneCommand[] {
    if (this.length === 0 || this.#standing.isWriting) return NONE
    if (this.#isUnkeepable) {
      return this.#state === 'waiting' ? this.#buryTooLarge(at, ['waiting']) : NONE
    }
    return this.#save(at, { tier: null, isAwaited: this.#state === 'barrier' })
  }

  /**
   * Records of the main topic were deleted before anybody read them. A lane that waits reads the log
   * for its next events and finds the hole: the next one to pass by would hide it.
   */
  cutOff(at: Moment): readonly LaneCommand[] {
    if (!this.isOffline && this.length === 0) return NONE
    this.#cache.doubt()
    return this.handOver(at)
  }

  /** The partition is given up: what was delivered since the last record is not to be repeated. */
  leave(at: Moment): readonly LaneCommand[] {
    return this.#standing.isOutdated ? this.renew(at) : NONE
  }

  /** The record is durable, at `offset`: it stands for the lane from now on. */
  saved(version: number, offset: number, at: Moment): readonly LaneCommand[] {
    const settled = this.#standing.written(version, offset, this.#cache.offsets())
    return [...settled, ...this.#acknowledged(version, at)]
  }

  /**
   * Kafka does not take the record for what it is, most likely its size. Where the head has to wait in
   * it, the head is given up: a lane that tried on would hold up all workspaces of its partition, as
   * nothing of it can be committed. Where it can be sent all the same, it is.
   */
  refused({ version, head }: LaneRecord, at: Moment): readonly LaneCommand[] {
    this.#standing.refused(version)
    this.#unkeepable = head.offset
    const isOfHead = this.head?.offset === head.offset
    if (isOfHead && WAITS_IN_RECORD.includes(this.#state)) {
      return this.#buryTooLarge(at, WAITS_IN_RECORD)
    }
    if (this.#state === 'resting' || this.#state === 'barrier') return this.#continue(at)
    // What did not fit into memory stands in the log only, and needs a record that says so.
    return this.#isCutShort && this.#state !== 'burying' ? this.handOver(at) : NONE
  }

  #buryTooLarge({ now }: Moment, from: readonly LaneState[]): readonly LaneCommand[] {
    return this.#bury('too_large', { errorClass: null, status: null, now }, from)
  }

  #acknowledged(version: number, at: Moment): readonly LaneCommand[] {
    const isAwaited = this.#standing.isAwaited(version)
    if (this.#state === 'resting') return this.#continue(at)
    if (this.#state === 'barrier') {
      return isAwaited ? [{ kind: 'commit', isUrgent: true }] : this.#continue(at)
    }
    if (this.#state !== 'saving' || !isAwaited) return NONE
    this.#state = 'parked'
    this.#cache.trim(this.#options.parkedMax)
    return this.#backFills.isNextDue ? this.#continue(at) : [{ kind: 'park', wakeAt: this.wakeAt }]
  }

  /** We read a record of this lane that this session has written. */
  echoed(version: number, position: RecordPosition, at: Moment): readonly LaneCommand[] {
    return [...this.#standing.echoed(version, position), ...this.advanced(at)]
  }

  /** A resting lane may be able to go back on-line. */
  advanced(at: Moment): readonly LaneCommand[] {
    return this.#state === 'resting' ? this.#continue(at) : NONE
  }

  /** What the log holds of this lane in [`from`, `upTo`); `isEnd`: the main position is `upTo`. */
  filled(events: readonly LaneHead[], range: ReadRange, at: Moment): readonly LaneCommand[] {
    // Else an answer to a question of before a rewind.
    if (this.#state !== 'reading' || range.from !== this.#cache.wanted) return NONE
    const isAhead = !this.isOffline && range.upTo > at.mainPosition
    // What an on-line lane has done is settled, which cannot be before it was read.
    const known = isAhead ? events.filter(({ offset }) => offset < at.mainPosition) : events
    const upTo = isAhead ? Math.max(at.mainPosition, range.from) : range.upTo
    this.#cache.fill(known, { ...range, upTo }, lengthMax(this.#options, this.isOffline))
    return this.#continue(at)
  }

  /** A record with `replay-…` headers came from outside: the cursor moves back. */
  rewind(rewind: Rewind, at: Moment): readonly LaneCommand[] {
    this.#backFills.ask(rewind)
    return BUSY.includes(this.#state) || !this.#backFills.isNextDue ? NONE : this.#continue(at)
  }

  /**
   * The workspace has no connection any more: nothing of what waits is delivered. The caller has
   * recorded the gap before. Like a dead letter, what was given up must not come back after a crash
   * and be sent after its followers.
   */
  giveUp(at: Moment): readonly LaneCommand[] {
    assert(this.canGiveUp, `given up while ${this.#state}`)
    const settled = this.#standing.giveUp(this.#cache.offsets())
    this.#cache.abandon(at.mainPosition)
    this.#history.beginAnew()
    this.#isBarred = true
    const replayed = ended(this.#backFills.cutShort(), false)
    return [...settled, ...replayed, ...this.#continue(at)]
  }

  #done(at: Moment): readonly LaneCommand[] {
    const head = this.#cache.shift()
    this.#cursor = head.offset + 1
    this.#history.beginAnew()
    const settled = this.#standing.done(head)
    return [...settled, ...this.#continue(at)]
  }

  /** What comes next, with the head in nobody's hands. */
  #continue(at: Moment): readonly LaneCommand[] {
    this.#cursor = this.head?.offset ?? this.#behindAll(at)
    const replayed = ended(this.#backFills.endAt(this.#cursor), true)
    if (this.#backFills.isNextDue) return [...replayed, ...this.#moveBack(at)]
    if (this.#isBarred) return [...replayed, ...this.#wait(at)]
    if (this.length === 0) return [...replayed, ...this.#read(at)]
    this.#state = 'ready'
    return [...replayed, ...this.#checkpoint(at), { kind: 'take-turn' }]
  }

  /** With nothing in memory and nothing missing, all that the main topic has told is done. */
  #behindAll(at: Moment): number {
    return this.#cache.isComplete ? Math.max(this.#cursor, at.mainPosition) : this.#cursor
  }

  /** Nothing in memory: reads on, or goes back on-line, or is done. */
  #read(at: Moment): readonly LaneCommand[] {
    if (!this.#cache.isComplete && (this.isOffline || !this.#standing.isWriting)) {
      this.#state = 'reading'
      return [{ kind: 'read', from: this.#cache.wanted }]
    }
    this.#state = 'resting'
    if (this.isOffline) return this.#goOnline(at)
    return this.#standing.isWriting ? NONE : this.#close()
  }

  #goOnline(at: Moment): readonly LaneCommand[] {
    const behind = Math.max(this.#options.horizon, this.#cursor)
    const isPossible = this.#standing.canGoOnline(behind, at) && this.#backFills.current === null
    return isPossible ? [...this.#standing.goOnline(), ...this.#close()] : NONE
  }

  /** R5: a dead letter that no commit covers keeps the lane, even an empty one. */
  #close(): readonly LaneCommand[] {
    this.#state = this.#isBarred ? 'barrier' : 'closed'
    return [this.#isBarred ? { kind: 'commit', isUrgent: false } : { kind: 'close' }]
  }

  /**
   * R4: a dead letter is out. Off-line, a record behind it has to be durable first, else a crash
   * would find the one before it and send the dead event after its followers.
   */
  #wait(at: Moment): readonly LaneCommand[] {
    const { isWriting } = this.#standing
    if (this.length === 0 && !isWriting) return this.#read(at)
    this.#state = 'barrier'
    this.#standing.awaitAny()
    if (isWriting) return NONE
    if (!this.isOffline) return [{ kind: 'commit', isUrgent: true }]
    return this.#save(at, { tier: null, isAwaited: true })
  }

  get #isUnkeepable(): boolean {
    return this.head?.offset === this.#unkeepable
  }

  /** Events of an on-line lane are in the log only, since no record was taken that stands for them. */
  get #isCutShort(): boolean {
    return !this.isOffline && !this.#standing.isWriting && !this.#cache.isComplete
  }

  #checkpoint(at: Moment): readonly LaneCommand[] {
    const isDue = this.#isCutShort || this.#standing.isCheckpointDue(at.elapsed)
    return isDue ? this.#save(at, { tier: null, isAwaited: false }) : NONE
  }

  /** Everything from the cursor on was never settled; everything before it is sent again. */
  #moveBack(at: Moment): readonly LaneCommand[] {
    const rewind = this.#backFills.takeNext()
    assert(rewind?.record.replay, 'only a back-fill moves the cursor back')
    const { head, replay } = rewind.record
    // All of the range is still to come: it is delivered anyway.
    if (head.offset >= this.#cursor) {
      const replayed: LaneCommand = { kind: 'replayed', replay, isThrough: true }
      return [settleRecord(rewind.position), replayed, ...this.#continue(at)]
    }
    this.#standing.spill(this.#cache.offsets())
    this.#standing.adopt(rewind.position)
    this.#backFills.begin(replay, this.#cursor)
    this.#cache.restart(head, Number.POSITIVE_INFINITY)
    this.#cursor = head.offset
    this.#history.beginAnew()
    this.#isBarred = false
    this.#state = 'saving'
    return this.#save(at, { tier: null, isAwaited: true })
  }

  /** Produces a record that begins at the head. */
  #save(
    at: Moment,
    { tier, isAwaited }: { readonly tier: string | null; readonly isAwaited: boolean },
  ): readonly LaneCommand[] {
    const isTimed = this.#state === 'saving' || this.#state === 'parked'
    const contents = {
      head: this.#mustHead(),
      ...this.#history.told,
      ...(isTimed ? this.#history.due(at) : { dueAt: at.now, waitMs: 0 }),
      replay: this.#backFills.current,
    }
    const record = this.#standing.write(contents, at, isAwaited)
    return [{ kind: 'save', record, tier }]
  }

  #mustHead(): LaneHead {
    const { head } = this.#cache
    assert(head, 'there is no head')
    return head
  }

  #ready(from: LaneState): readonly LaneCommand[] {
    this.#become('ready', [from])
    return [{ kind: 'take-turn' }]
  }

  #become(state: LaneState, from: readonly LaneState[]): void {
    assert(from.includes(this.#state), `a ${this.#state} lane cannot become ${state}`)
    this.#state = state
  }
}
