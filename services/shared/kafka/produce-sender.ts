import { systemClock } from '../clock.ts'
import type { ClockGlance } from '../clock-skew.ts'
import type { Logger } from '../logger.ts'
import { Absence } from './absence.ts'
import { type Batch, PartitionQueue, type Waiting } from './partition-queue.ts'
import { ProduceError, RecordRefusedError, type RefusedReason, refusal } from './produce-error.ts'
import {
  answerFor,
  appendedAt,
  collect,
  drop,
  type PartitionAnswer,
  topicDataOf,
} from './produce-request.ts'
import { judgeAnswer, type ProduceVerdict } from './produce-verdict.ts'
import { Identities } from './producer-identity.ts'
import { PRODUCE, type ProducerIdentity } from './wire/api.ts'
import type { ClusterLink } from './wire/cluster-link.ts'
import type { Node } from './wire/cluster-view.ts'
import { doubted, hangUpIfMoved } from './wire/doubted.ts'
import { BrokerAwayError, BrokerError, isLeaderElsewhere } from './wire/error-codes.ts'

/**
 * Sends the batches of all partitions to their leaders: one request per broker at a time, and in it
 * at most one batch per partition. A broker that hangs holds up its own partitions only.
 */
export interface ProduceSenderOptions {
  readonly link: ClusterLink
  /** For questions about partitions that are away. */
  readonly looks: ClusterLink
  readonly logger: Logger
  readonly timeoutMs: number
  readonly batchMax?: number
  readonly whileAway?: 'wait' | 'refuse'
  readonly onAppended?: (glance: ClockGlance) => void
}

/**
 * The broker refuses a batch of more than 1 MB (`message.max.bytes`) as a whole: a few transcripts
 * or raw requests of 256 KB at once would fail together with everything beside them.
 */
const BATCH_BYTES_MAX = 900_000
/**
 * Longest wait for one answer. A broker that takes longer hangs, or it stops and lets what it has not
 * answered lie, while another one leads by now: that one is asked with the time that is left.
 */
const ANSWER_MS = 1_000
/** A request that takes longer is doubted. */
const DOUBTED_MS = 300
/** So much earlier the broker says by itself that its replicas do not answer. */
const BROKER_MARGIN_MS = 200
/** With less time left a request is not worth a connection that may be closed for it. */
const LAST_MS = 50
/** What waits for its writer's permission is looked at so often. */
const PERMISSION_MS = 500
const LOOK_EVERY_MS = 250

export class ProduceSender {
  readonly #options: ProduceSenderOptions
  /** What is refused at once. */
  readonly absence: Pick<Absence, 'isAny' | 'isAt'>
  readonly #absence: Absence
  readonly #queues = new Map<string, PartitionQueue>()
  /** Those that have something to send. */
  readonly #active = new Set<PartitionQueue>()
  /** Brokers that have not answered yet. */
  readonly #busy = new Set<number>()
  readonly #identities: Identities
  #isPumpDue = false
  #timer: NodeJS.Timeout | null = null
  #stopped: (() => void) | null = null

  constructor(options: ProduceSenderOptions) {
    this.#options = options
    this.#absence = new Absence({ link: options.looks, logger: options.logger })
    this.absence = this.#absence
    this.#identities = new Identities(options, () => this.#pumpSoon())
  }

  get waiting(): number {
    let sum = 0
    for (const queue of this.#active) sum += queue.size
    return sum
  }

  /** Rejects with BrokerError when we may not write. */
  async start(): Promise<void> {
    await this.#identities.obtain()
  }

  queueOf(topic: string, partition: number): PartitionQueue {
    const name = `${topic}/${partition}`
    const known = this.#queues.get(name)
    if (known) return known
    const queue = new PartitionQueue(topic, partition)
    this.#queues.set(name, queue)
    return queue
  }

  add(queue: PartitionQueue, waiting: Waiting): void {
    queue.add(waiting)
    this.#active.add(queue)
    this.#pumpSoon()
  }

  /** Resolves when everything was answered or given up. */
  async stop(): Promise<void> {
    if (this.#active.size > 0) {
      await new Promise<void>((resolve) => {
        this.#stopped = resolve
      })
    }
    this.#stopped ??= () => undefined
    if (this.#timer) clearTimeout(this.#timer)
    this.#absence.stop()
    this.#identities.stop()
  }

  /** A microtask later, so that requests of the same tick share the first batch, too. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    queueMicrotask(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump(): void {
    const now = systemClock.elapsed()
    const groups = new Map<Node, PartitionQueue[]>()
    let isLeaderMissing = false
    for (const queue of this.#active) {
      if (!this.#isReady(queue, now)) continue
      const leader = this.#options.link.leaderOf(queue.topic, queue.partition)
      if (!leader) isLeaderMissing = true
      else if (!this.#busy.has(leader.nodeId)) collect(groups, leader, queue)
    }
    if (this.#active.size === 0) this.#stopped?.()
    if (isLeaderMissing) this.#lookForLeaders()
    for (const [leader, queues] of groups) this.#send(leader, queues)
    this.#wakeAtNextDeadline(now)
  }

  /** Whether it has something to send that may go now. */
  #isReady(queue: PartitionQueue, now: number): boolean {
    if (queue.isSending) return false
    this.#giveUpOverdue(queue, now)
    if (!queue.hasWork) this.#active.delete(queue)
    return queue.hasWork && queue.restUntil <= now
  }

  #wakeAtNextDeadline(now: number): void {
    let next = Number.POSITIVE_INFINITY
    for (const queue of this.#active) {
      if (queue.isSending) continue
      next = Math.min(next, queue.restUntil > now ? queue.restUntil : queue.nextDeadline - LAST_MS)
    }
    if (next < Number.POSITIVE_INFINITY) this.#wakeIn(next - now)
  }

  #wakeIn(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#pumpSoon(), Math.max(ms, 1))
  }

  #lookForLeaders(): void {
    const { link } = this.#options
    const missing = [...this.#active].find(
      ({ topic, partition }) => !link.leaderOf(topic, partition),
    )
    const look = missing ? link.requireLeader(missing.topic, missing.partition) : link.refresh()
    look.then(
      () => this.#pumpSoon(),
      () => this.#wakeIn(LOOK_EVERY_MS),
    )
  }

  #giveUpOverdue(queue: PartitionQueue, now: number): void {
    if (queue.batch && queue.batch.deadline <= now + LAST_MS) {
      this.#giveUp(queue, new Error('no answer in time'))
    }
    for (const one of queue.takeOverdue(now + LAST_MS)) one.reject(refusal())
  }

  /** One request: of the batches those that share an identity, which is all but after a failure. */
  #send(leader: Node, queues: readonly PartitionQueue[]): void {
    const { current } = this.#identities
    const identity = queues.find(({ batch }) => batch)?.batch?.identity ?? current
    if (!identity) return
    const max = { records: this.#options.batchMax ?? 500, bytes: BATCH_BYTES_MAX }
    const ready = queues.filter((queue) => {
      if (!queue.batch && identity === current && !queue.fill(identity, max, drop)) {
        return this.#rest(queue)
      }
      return queue.batch?.identity === identity && this.#mayGo(queue, queue.batch)
    })
    if (ready.length === 0) {
      this.#pumpSoon()
      return
    }
    for (const queue of ready) queue.isSending = true
    this.#busy.add(leader.nodeId)
    void this.#exchange(leader, identity, ready).finally(() => {
      this.#busy.delete(leader.nodeId)
      for (const queue of ready) queue.isSending = false
      this.#pumpSoon()
    })
  }

  /** A batch that was sent is never changed: the broker knows it by its numbers. */
  #mayGo(queue: PartitionQueue, batch: Batch): boolean {
    const permissions = new Set(batch.records.map(({ mayWrite }) => mayWrite()))
    if (permissions.has('never')) {
      this.#giveUp(queue, new Error('its writer was replaced'))
      return false
    }
    if (permissions.has('not_yet')) return this.#rest(queue)
    batch.tries++
    return true
  }

  /** What is left waits for its writer's permission. */
  #rest(queue: PartitionQueue): false {
    if (queue.hasWork) queue.restUntil = systemClock.elapsed() + PERMISSION_MS
    return false
  }

  async #exchange(
    leader: Node,
    identity: ProducerIdentity,
    queues: readonly PartitionQueue[],
  ): Promise<void> {
    const { link } = this.#options
    const deadline = Math.min(...queues.map(({ nextDeadline }) => nextDeadline))
    const ms = Math.min(ANSWER_MS, Math.max(deadline - systemClock.elapsed(), 1))
    const timeout = Math.max(ms - BROKER_MARGIN_MS, 1)
    const request = { acks: -1, timeout, ...identity, topicData: topicDataOf(queues) } as const
    const sentAt = systemClock.now()
    try {
      const written = link.ask(leader, PRODUCE, request, ms)
      const answer = await doubted(written, DOUBTED_MS, (isAnswered) =>
        hangUpIfMoved(link, leader, queues, isAnswered),
      )
      const theirs = appendedAt(queues, answer)
      const receivedAt = systemClock.now()
      if (theirs !== null) this.#options.onAppended?.({ sentAt, receivedAt, theirs })
      for (const queue of queues) this.#heed(queue, answerFor(queue, answer))
    } catch (error) {
      const mayBeWritten = !(error instanceof BrokerAwayError) || error.mayBeDone
      for (const queue of queues) queue.again(mayBeWritten, systemClock.elapsed())
      this.#refresh()
    }
  }

  #heed(queue: PartitionQueue, answer: PartitionAnswer): void {
    const verdict: ProduceVerdict = judgeAnswer(answer)
    const { records = [], mayBeWritten = false } = queue.batch ?? {}
    if (mayBeWritten && (verdict.kind === 'refused' || verdict.kind === 'uncounted')) {
      // An earlier request may have used up its numbers. Under the same ones the broker would take the
      // next records for its repeat: they would count as written, and be nowhere.
      this.#giveUp(queue, new BrokerError(answer.errorCode, 'send'))
      return
    }
    switch (verdict.kind) {
      case 'written':
        queue.written(verdict.offset)
        this.#absence.end(queue)
        break
      case 'again':
        queue.again(verdict.mayBeWritten, systemClock.elapsed())
        if (isLeaderElsewhere(answer.errorCode)) this.#refresh()
        break
      case 'refused':
        if (verdict.reason === null) this.#giveUp(queue, new BrokerError(answer.errorCode, 'send'))
        else if (records.length > 1) queue.halve()
        else this.#refuse(queue, answer.errorCode, verdict.reason)
        break
      case 'uncounted':
        this.#identities.forget(queue.batch?.identity)
        queue.renumber()
        break
    }
  }

  #refuse(queue: PartitionQueue, errorCode: number, reason: RefusedReason): void {
    const { topic, partition } = queue
    const refused = new BrokerError(errorCode, `${topic}/${partition} refuses a record`)
    this.#options.logger.error({ topic, partition, reason, err: refused }, 'produce.refused')
    queue.fail(new RecordRefusedError(refused.message, { cause: refused, reason }))
  }

  #refresh(): void {
    // Who fails to learn of a new leader finds that out when it sends to the old one.
    void this.#options.link.refresh().catch(() => undefined)
  }

  #giveUp(queue: PartitionQueue, cause: Error): void {
    const { topic, partition, batch } = queue
    if (!batch) return
    const { mayBeWritten, records } = batch
    const facts = { topic, partition, records: records.length, mayBeWritten, err: cause }
    this.#options.logger.warn(facts, 'produce.failed')
    // Its numbers may be used up in the log or not: whoever comes next counts in a new epoch.
    if (mayBeWritten) this.#identities.forget(batch.identity)
    queue.fail(new ProduceError('Kafka did not acknowledge', { cause, mayBeWritten }))
    if (this.#options.whileAway === 'refuse') this.#absence.begin(queue)
  }
}
