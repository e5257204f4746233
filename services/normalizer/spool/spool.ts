import { createBatcher } from '../../shared/batcher.ts'
import { withinMs } from '../../shared/deadline.ts'
import { DatabaseAwayError, type DatabaseGuard } from '../../shared/postgres/database-guard.ts'
import type { OnRefusedRow, RowIds } from '../../shared/postgres/refused-rows.ts'
import type { Inserted, NewEntry, SpoolLimits, SpoolSize } from '../../shared/postgres/spool.ts'
import type { SecretBox } from '../../shared/secret-box.ts'
import { type Entry, identityOf, sealEntry, workspaceOf } from './entry.ts'

/**
 * Keeps in Postgres what Kafka cannot take now. The requests of one moment share one statement,
 * in the order in which they came.
 */
export interface Spool {
  /**
   * Resolves when the entry is safe. `attemptedAt`: when it was handed to Kafka without an answer,
   * null if never.
   *
   * @throws SpoolRefusedError, or RowRefusedError for an entry that Postgres does not take
   */
  put(entry: Entry, attemptedAt: Date | null): Promise<void>
  /**
   * The same behind the entries of its workspace; false, and nothing done, if the last one has
   * gone into the log meanwhile.
   */
  putBehind(entry: Entry): Promise<boolean>
}

export type SpoolRefusedReason =
  /** As many requests or bytes as it may hold. */
  | 'full'
  /** Its oldest entry is older than an outage may last. */
  | 'too_old'
  /** Postgres does not answer either. */
  | 'postgres_away'

export class SpoolRefusedError extends Error {
  override readonly name = 'SpoolRefusedError'
  readonly reason: SpoolRefusedReason

  constructor(reason: SpoolRefusedReason, options?: ErrorOptions) {
    super(`the spool takes nothing: ${reason}`, options)
    this.reason = reason
  }
}

export interface SpoolOptions {
  /** `isWanted` is asked before the commit: what nobody waits for any more must not be in. */
  readonly insert: (entries: readonly NewEntry[], isWanted: () => boolean) => Promise<Inserted>
  readonly size: () => Promise<SpoolSize>
  readonly limits: SpoolLimits
  readonly box: SecretBox
  readonly onSpooled: (entry: Entry) => void
  readonly onRefused: OnRefusedRow
  readonly guard: DatabaseGuard
}

/** Together with the wait for Kafka below the time in which a sender must have its answer. */
const WAIT_MS = 1_200
/** A commit that takes longer than this has an outcome that nobody will know in time. */
const COMMIT_MS = 1_500
const ENTRIES_PER_STATEMENT = 200
/** Four of the largest rejected requests. */
const BYTES_PER_STATEMENT = 2_000_000

export function createSpool(options: SpoolOptions): Spool {
  const { box, guard } = options

  async function insert(entries: readonly NewEntry[]) {
    const inserted = await insertInTime(entries)
    if (inserted) return inserted
    throw new SpoolRefusedError(whyRefused(await options.size(), options.limits))
  }

  /**
   * What is refused is not in: else its call, which then goes to Kafka, would come twice. So nothing
   * is committed after the time is up, and a commit that has begun is waited for.
   */
  async function insertInTime(entries: readonly NewEntry[]): Promise<Inserted> {
    let isWanted = true
    let isCommitting = false
    let inserting: Promise<Inserted> = Promise.resolve(null)
    const mayCommit = () => {
      isCommitting = isWanted
      return isWanted
    }
    const insert = () => {
      inserting = options.insert(entries, mayCommit)
      return inserting
    }
    try {
      return await guard(WAIT_MS, insert)
    } catch (error) {
      if (!isCommitting) throw error
      return await withinMs(COMMIT_MS, inserting).catch(() => {
        throw error
      })
    } finally {
      isWanted = false
    }
  }

  const batcher = createBatcher(insert, {
    itemsMax: ENTRIES_PER_STATEMENT,
    weight: { max: BYTES_PER_STATEMENT, of: ({ entrySealed }) => entrySealed.length },
    refusals: { statement: 'spool_entries', idsOf: idsOfEntry, onRefused: options.onRefused },
  })
  async function add(entry: Entry, more: Pick<NewEntry, 'attemptedAt' | 'onlyBehind'>) {
    const entrySealed = sealEntry(entry, box)
    const identity = { workspaceId: workspaceOf(entry), event: identityOf(entry) }
    try {
      const isIn = (await batcher.add({ ...identity, ...more, entrySealed })) === 'spooled'
      if (isIn) options.onSpooled(entry)
      return isIn
    } catch (error) {
      throw refusalOf(error)
    }
  }

  return {
    put: async (entry, attemptedAt) => void (await add(entry, { attemptedAt, onlyBehind: false })),
    putBehind: (entry) => add(entry, { attemptedAt: null, onlyBehind: true }),
  }
}

function idsOfEntry({ workspaceId, event }: NewEntry): RowIds {
  return { workspaceId, ...(event && { eventId: event.eventId }) }
}

function refusalOf(error: unknown): SpoolRefusedError {
  if (error instanceof SpoolRefusedError) return error
  if (error instanceof DatabaseAwayError) {
    return new SpoolRefusedError('postgres_away', { cause: error })
  }
  throw error
}

/** The batch did not fit: because of its age if it had had room. */
export function whyRefused(size: SpoolSize, limits: SpoolLimits): 'full' | 'too_old' {
  return size.oldestSeconds * 1_000 >= limits.ageMaxMs ? 'too_old' : 'full'
}
