import type { Clock } from '../../services/shared/clock.ts'
import { ProduceError, refusal } from '../../services/shared/kafka/produce-error.ts'
import type {
  LogProducer,
  LogRecord,
  Permission,
  SendOptions,
} from '../../services/shared/kafka/producer.ts'
import type { BatchNumbers } from './fake-broker.ts'
import type { SentRecord, World } from './world.ts'

/**
 * The producer of one process: keeps what services/shared/kafka/producer.ts promises, over links that
 * lose requests and answers, to brokers whose leaders move and that stand still. It does so by the
 * same means: one batch of a partition at a time, sent again under the same numbers until it is
 * answered or given up.
 */
interface Waiting {
  readonly record: LogRecord
  readonly sent: SentRecord
  /** Milliseconds since 1970, after which it is given up. */
  readonly deadline: number
  readonly mayWrite: () => Permission
  resolve(offset: number): void
  reject(error: Error): void
}

interface Queue {
  readonly topic: string
  readonly partition: number
  readonly waiting: Waiting[]
  isBusy: boolean
  /** Those of the next batch. */
  numbers: BatchNumbers
  /** Who leads, as far as this process knows. */
  leader: number
  /** Milliseconds since 1970, until when nothing of this partition gets through. */
  cutOffUntil: number
}

interface Batch extends BatchNumbers {
  readonly waiting: readonly Waiting[]
  readonly deadline: number
  mayBeWritten: boolean
}

type Answer =
  | { readonly kind: 'written'; readonly offset: number }
  | { readonly kind: 'led-by-another' | 'unanswered' | 'unsent' }

const BY_ANOTHER: Answer = { kind: 'led-by-another' }
const UNANSWERED: Answer = { kind: 'unanswered' }
/** Longest wait for one answer. */
const ANSWER_MS = 500
/** A broker that stood still takes what lies in its sockets in any order. */
const BACKLOG_MS = 50
const TRIP_MS = 15

export interface SimProducerOptions {
  readonly world: World
  readonly name: string
  readonly clock: Clock
  readonly post: (work: () => void) => void
}

export class SimProducer implements LogProducer {
  readonly waiting = 0
  readonly isAway = false
  readonly isAwayAt = () => false
  readonly #options: SimProducerOptions
  readonly #queues = new Map<string, Queue>()
  #identities = 0

  constructor(options: SimProducerOptions) {
    this.#options = options
  }

  send(record: LogRecord, { mayWrite = () => 'yes' }: SendOptions = {}): Promise<number> {
    const { world, name, clock } = this.#options
    const { topic, partition = 0 } = record
    const queue = this.#queueOf(topic, partition)
    const sent = world.noteSent({ process: name, topic, partition })
    const deadline = clock.now() + world.scenario.produceTimeoutMs
    return new Promise((resolve, reject) => {
      queue.waiting.push({ record, sent, deadline, mayWrite, resolve, reject })
      if (!queue.isBusy) void this.#work(queue)
    })
  }

  async stop(): Promise<void> {}

  #queueOf(topic: string, partition: number): Queue {
    const name = `${topic}/${partition}`
    const known = this.#queues.get(name)
    if (known) return known
    const queue: Queue = {
      topic,
      partition,
      waiting: [],
      isBusy: false,
      numbers: this.#newNumbers(),
      leader: this.#options.world.leaders.leaderOf(topic, partition),
      cutOffUntil: 0,
    }
    this.#queues.set(name, queue)
    return queue
  }

  /** What was given up may be written or not: whoever comes next is counted anew. */
  #newNumbers(): BatchNumbers {
    return { identity: `${this.#options.name}/${this.#identities++}`, sequence: 0 }
  }

  async #work(queue: Queue): Promise<void> {
    const { world, clock } = this.#options
    queue.isBusy = true
    // Records of the same tick share the first batch.
    await Promise.resolve()
    while (queue.waiting.length > 0) {
      const batch = nextBatch(queue, clock.now())
      if (batch) await this.#write(queue, batch)
      else await clock.sleep(world.random.between(20, 200))
    }
    queue.isBusy = false
  }

  async #write(queue: Queue, batch: Batch): Promise<void> {
    const { world, clock } = this.#options
    for (;;) {
      const permissions = new Set(batch.waiting.map(({ mayWrite }) => mayWrite()))
      if (clock.now() >= batch.deadline || permissions.has('never')) {
        if (batch.mayBeWritten) queue.numbers = this.#newNumbers()
        giveUp(batch)
        return
      }
      const answer = permissions.has('not_yet') ? null : await this.#ask(queue, batch)
      if (answer?.kind === 'written') {
        const { identity, sequence } = batch
        queue.numbers = { identity, sequence: sequence + batch.waiting.length }
        acknowledge(batch, answer.offset)
        return
      }
      batch.mayBeWritten ||= answer !== null && answer.kind !== 'unsent'
      queue.leader = world.leaders.leaderOf(queue.topic, queue.partition)
      await clock.sleep(world.random.between(20, 200))
    }
  }

  /** Resolves with the broker's answer, or when there was none for too long. */
  #ask(queue: Queue, batch: Batch): Promise<Answer> {
    const { world, clock, post } = this.#options
    const { time, random, leaders } = world
    const { leader } = queue
    return new Promise((resolve) => {
      const answerIn = (ms: number, answer: Answer) =>
        time.after(ms, () => post(() => resolve(answer)))
      const isLost = world.goesWrong('produceFails')
      const isCutOff = !world.isCalm && clock.now() < queue.cutOffUntil
      if (isCutOff || (isLost && random.chance(0.5))) {
        answerIn(random.between(1, TRIP_MS), { kind: 'unsent' })
        return
      }
      answerIn(ANSWER_MS, UNANSWERED)
      if (isLost) {
        this.#maybeCutOff(queue)
        return
      }
      const stillFor = leaders.waitFor(leader)
      time.after(stillFor + random.between(1, stillFor > 0 ? BACKLOG_MS : TRIP_MS), () => {
        const answer = this.#arrive(queue, batch, leader)
        if (world.goesWrong('acknowledgementLost')) this.#maybeCutOff(queue)
        else answerIn(random.between(1, TRIP_MS), answer)
      })
    })
  }

  /** Where something got lost the next tries may fail, too, until the batch is given up. */
  #maybeCutOff(queue: Queue): void {
    const { world, clock } = this.#options
    if (!world.random.chance(0.3)) return
    queue.cutOffUntil = clock.now() + world.random.between(0, 2 * world.scenario.produceTimeoutMs)
  }

  /** At the broker, which may lose the partition before it writes, or before it answers. */
  #arrive({ topic, partition }: Queue, batch: Batch, leader: number): Answer {
    const { world } = this.#options
    const { broker, leaders, random } = world
    const isMoved = world.goesWrong('leaderMoves')
    if (isMoved && random.chance(0.5)) leaders.move(topic, partition)
    if (leaders.leaderOf(topic, partition) !== leader) return BY_ANOTHER
    const { identity, sequence } = batch
    const records = batch.waiting.map(({ record, sent }) => ({
      key: record.key,
      value: record.value,
      headers: record.headers ?? {},
      sentAs: sent.number,
    }))
    const written = broker.produce(topic, partition, { identity, sequence, records })
    if (!written) return UNANSWERED
    if (written.isNew) this.#note(batch, written.offset)
    if (!isMoved) return { kind: 'written', offset: written.offset }
    leaders.move(topic, partition)
    return BY_ANOTHER
  }

  #note({ waiting }: Batch, offset: number): void {
    const { world, name } = this.#options
    for (const [index, { record }] of waiting.entries()) {
      const { key, topic, headers = {} } = record
      const cursor = headers['lane-cursor'] ?? '-'
      world.note(`wrote      ${key} ${topic} @${offset + index} cursor ${cursor} by ${name}`)
    }
  }
}

/** What waits, up to the first record whose writer is in doubt; null: nothing may be written now. */
function nextBatch(queue: Queue, now: number): Batch | null {
  const waiting: Waiting[] = []
  let taken = 0
  for (const one of queue.waiting) {
    const permission = one.deadline <= now ? 'never' : one.mayWrite()
    if (permission === 'not_yet') break
    taken++
    if (permission === 'yes') waiting.push(one)
    else refuse(one)
  }
  queue.waiting.splice(0, taken)
  const [first] = waiting
  return first ? { ...queue.numbers, waiting, deadline: first.deadline, mayBeWritten: false } : null
}

function refuse({ sent, reject }: Waiting): void {
  told(sent, 'not-written')
  reject(refusal())
}

function acknowledge({ waiting }: Batch, offset: number): void {
  for (const [index, { sent, resolve }] of waiting.entries()) {
    told(sent, offset + index)
    resolve(offset + index)
  }
}

function giveUp({ waiting, mayBeWritten }: Batch): void {
  for (const { sent, reject } of waiting) {
    told(sent, mayBeWritten ? 'perhaps-written' : 'not-written')
    reject(new ProduceError('Kafka did not acknowledge', { mayBeWritten }))
  }
}

/** Whoever sent it hears one answer, and goes by that. */
function told(sent: SentRecord, outcome: SentRecord['outcome']): void {
  if (sent.outcome === 'open') sent.outcome = outcome
}
