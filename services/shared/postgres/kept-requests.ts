import { withAdvisoryLock } from './advisory-lock.ts'
import type { Pool, Queryable } from './pool.ts'

/** Table `kept_request_positions`: how far the topic of rejected requests has been gone through. */
export interface KeptPositions {
  /** By partition, the offset to go on with; none where nobody has begun. */
  read(): Promise<ReadonlyMap<number, number>>
  /** One process at a time; false, and nothing done, when it is another one. */
  whileAlone(work: (held: HeldPositions) => Promise<void>): Promise<boolean>
}

export interface HeldPositions {
  read(): Promise<ReadonlyMap<number, number>>
  save(position: KeptPosition): Promise<void>
  /** Rejects when others may have begun. */
  requireAlone(): Promise<void>
}

export interface KeptPosition {
  readonly partition: number
  readonly next: number
}

export function createKeptPositions(pool: Pool): KeptPositions {
  return {
    read: () => readPositions(pool),
    whileAlone: (work) =>
      withAdvisoryLock(pool, 'callwebhook.kept_requests', (client) =>
        work({
          read: () => readPositions(client),
          save: (position) => savePosition(client, position),
          // Over the connection that holds the lock.
          requireAlone: async () => void (await client.query('select')),
        }),
      ),
  }
}

/** Of a topic that is gone: what is kept is looked for from a few days ago on, and recognized. */
export async function forgetKeptPositions(db: Queryable): Promise<void> {
  await db.query('delete from kept_request_positions')
}

/** As many rows as partitions. */
async function readPositions(db: Queryable): Promise<ReadonlyMap<number, number>> {
  const { rows } = await db.query<KeptPosition>(
    `select partition, next_offset::float8 as next from kept_request_positions`,
  )
  return new Map(rows.map(({ partition, next }) => [partition, next]))
}

/** Primary key. */
async function savePosition(db: Queryable, { partition, next }: KeptPosition): Promise<void> {
  await db.query(
    `insert into kept_request_positions (partition, next_offset) values ($1, $2)
     on conflict (partition) do update set next_offset = excluded.next_offset`,
    [partition, next],
  )
}
