import type { Clock } from '../shared/clock.ts'
import type { LogReader } from '../shared/kafka/log-reader.ts'
import type { Logger } from '../shared/logger.ts'
import { DatabaseAwayError, type DatabaseGuard } from '../shared/postgres/database-guard.ts'
import type {
  HeldPositions,
  KeptPosition,
  KeptPositions,
} from '../shared/postgres/kept-requests.ts'
import { reasonOf } from './door.ts'
import {
  byWorkspace,
  type KeptRequest,
  keptRequestOf,
  positionBefore,
  takeReady,
} from './kept-request.ts'
import { createQueryOrNull } from './query-or-null.ts'
import type { RejectedRecord, Renormalized } from './renormalize-requests.ts'

/**
 * Brings in what was kept raw while Postgres was away, once it is back: one process at a time, each
 * source's requests in the order in which they came, from a position that is kept in Postgres.
 *
 * Read → bring in → save the position. Killed anywhere, the next process brings in some requests
 * once more, and their events are recognized. One that fails by itself is told and left where it
 * is, for `npm run renormalize`; the others go on. While Kafka or Postgres is away all of them wait.
 */
export interface KeptRequests {
  /** Brings in what is there and settled. Rejects when it could not go on. */
  run(): Promise<void>
  /** Ends a run after the requests under way. */
  stop(): void
}

/** `failed`: a bug, or a source that cannot be opened. */
export type KeptOutcome = Renormalized | 'failed'

export interface KeptRequestsOptions {
  readonly positions: KeptPositions
  /** Of the topic of rejected requests. */
  readonly reader: Pick<LogReader, 'read' | 'range' | 'firstSince'>
  readonly partitions: number
  readonly isKafkaAway: () => boolean
  /** Rejects, and has done nothing that cannot be repeated, while Kafka or Postgres is away. */
  readonly bringIn: (record: RejectedRecord) => Promise<Renormalized>
  /** Milliseconds in which a request is answered, and is in the log if it was kept. */
  readonly answerWithinMs: number
  readonly onBroughtIn: (request: KeptRequest, outcome: KeptOutcome) => void
  /** Told whenever all that is settled is in. */
  readonly onCaughtUp: () => void
  readonly guard: DatabaseGuard
  readonly clock: Clock
  readonly logger: Logger
}

/** Clocks of replicas and brokers differ by less, in milliseconds. */
const CLOCKS_DIFFER_MS = 1_000
/** Of one partition: a second of 2,000 webhooks, or eight of the largest. */
const WAITING_BYTES_MAX = 2_000_000
/** Where to begin without a position: what is older could not be recognized if it was brought in. */
const FIRST_LOOK_MS = 6 * 86_400_000
/** With a run every 2 s, a minute. What fails so often while all others answer has a fault of its own. */
const TRIES_MAX = 30

export function createKeptRequests(options: KeptRequestsOptions): KeptRequests {
  const { positions, reader, guard, clock, logger } = options
  const queryOrNull = createQueryOrNull({ guard, event: 'kept_requests.query_failed', logger })
  const partitions = Array.from({ length: options.partitions }, (_, partition) => partition)
  const settleMs = options.answerWithinMs + CLOCKS_DIFFER_MS
  const work = createWork(options)

  async function isAtEnd(known: ReadonlyMap<number, number>): Promise<boolean> {
    const ends = partitions.map(async (partition) => (await reader.range(partition)).high)
    return (await Promise.all(ends)).every((end, partition) => known.get(partition) === end)
  }

  async function bringInAll(held: HeldPositions): Promise<void> {
    // Read anew: until the lock was ours, another process went on.
    const known = await held.read()
    await settled(
      partitions.map(async (partition) => {
        const next = known.get(partition) ?? (await firstPosition(partition))
        await readPartition(held, { partition, next })
      }),
    )
    if (!work.isStopping()) work.caughtUp()
  }

  async function firstPosition(partition: number): Promise<number> {
    const first = await reader.firstSince(partition, clock.now() - FIRST_LOOK_MS)
    return first?.offset ?? (await reader.range(partition)).high
  }

  async function readPartition(held: HeldPositions, from: KeptPosition): Promise<void> {
    const { partition } = from
    let { next } = from
    let newestAt = 0
    let waiting: readonly KeptRequest[] = []
    for (let isEnd = false; !isEnd; ) {
      const page = await reader.read(partition, next)
      isEnd = page.next === next
      next = page.next
      newestAt = Number(page.messages.at(-1)?.timestamp ?? newestAt)
      const found = page.messages.flatMap((message) => keptRequestOf(partition, message) ?? [])
      const settledAt = (isEnd ? clock.now() : newestAt) - settleMs
      const taken = takeReady([...waiting, ...found], { settledAt, bytesMax: WAITING_BYTES_MAX })
      await settled(byWorkspace(taken.ready).map((group) => work.bringIn(held, group)))
      if (work.isStopping()) return
      waiting = taken.waiting
      const position = positionBefore(waiting, next)
      await held.save({ partition, next: position })
      work.passed(partition, position)
    }
  }

  return {
    async run() {
      if (options.isKafkaAway()) return
      const known = await queryOrNull(() => positions.read())
      if (known === null) return
      if (await isAtEnd(known)) work.caughtUp()
      else await positions.whileAlone(bringInAll)
    },
    stop: work.stop,
  }
}

/** One request after the other, each once. */
interface Work {
  /** Rejects when Kafka, Postgres or the lock is away; then the rest of the group is not done. */
  bringIn(held: HeldPositions, group: readonly KeptRequest[]): Promise<void>
  /** What lies before the position is not read again. */
  passed(partition: number, position: number): void
  caughtUp(): void
  isStopping(): boolean
  stop(): void
}

function createWork(options: KeptRequestsOptions): Work {
  /** What was brought in and may be read again, as others before it in the log were not. */
  const done = new Map<string, Pick<KeptRequest, 'partition' | 'offset'>>()
  /** Requests for which something seemed to be away, and how often; since all went well last. */
  const tries = new Map<string, number>()
  let isStopping = false

  async function outcomeOf(request: KeptRequest): Promise<KeptOutcome> {
    const { partition, offset, record } = request
    try {
      return await options.bringIn(record)
    } catch (error) {
      if (isOutage(error) && !isTriedEnough(nameOf(request))) throw error
      const { reason, provider, 'source-id': sourceId } = record.headers
      const facts = { partition, offset, reason, provider, sourceId, err: error }
      options.logger.error(facts, 'kept_request.failed')
      return 'failed'
    }
  }

  /** Postgres answered right before, and Kafka takes records: only this one finds somebody away. */
  function isTriedEnough(name: string): boolean {
    if (options.isKafkaAway()) return false
    const count = (tries.get(name) ?? 0) + 1
    tries.set(name, count)
    return count >= TRIES_MAX
  }

  return {
    async bringIn(held, group) {
      for (const request of group) {
        if (isStopping) return
        if (done.has(nameOf(request))) continue
        await held.requireAlone()
        options.onBroughtIn(request, await outcomeOf(request))
        const { partition, offset } = request
        done.set(nameOf(request), { partition, offset })
      }
    },
    passed(partition, position) {
      for (const [name, one] of done) {
        if (one.partition === partition && one.offset < position) done.delete(name)
      }
    },
    caughtUp() {
      tries.clear()
      options.onCaughtUp()
    },
    isStopping: () => isStopping,
    stop: () => {
      isStopping = true
    },
  }
}

/** With its time, since a topic that was made anew has the same offsets. */
function nameOf({ partition, offset, receivedAt }: KeptRequest): string {
  return `${partition}/${offset}/${receivedAt}`
}

function isOutage(error: unknown): boolean {
  return error instanceof DatabaseAwayError || reasonOf(error) !== 'bug'
}

/** Rejects with the first failure, but not before all have ended: nothing goes on without the lock. */
async function settled(works: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(works)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
