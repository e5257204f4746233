import type { Queryable } from './pool.ts'

/** Table `sequence_positions`: the epoch of each partition's numbers, and how far it had been read. */
export interface SequencePosition {
  readonly partition: number
  readonly epoch: number
  readonly nextOffset: number
}

export interface FoundSequence {
  /** Greatest of the log; of a log that has no row yet, one more than of any other; 0 without rows. */
  readonly epoch: number
  /** Null: nobody ever opened the partition. */
  readonly position: SequencePosition | null
}

/** As many rows as partitions. */
export async function findSequence(
  db: Queryable,
  eventsTopic: string,
  partition: number,
): Promise<FoundSequence> {
  const { rows } = await db.query<SequencePosition & { isOurs: boolean }>(
    `select events_topic = $1 as "isOurs", partition, epoch, next_offset::float8 as "nextOffset"
       from sequence_positions`,
    [eventsTopic],
  )
  const ours = rows.filter(({ isOurs }) => isOurs)
  const epochs = (ours.length > 0 ? ours : rows).map(({ epoch }) => epoch)
  const isNewLog = ours.length === 0 && rows.length > 0
  const found = ours.find((row) => row.partition === partition)
  return {
    epoch: Math.max(0, ...epochs) + (isNewLog ? 1 : 0),
    position: found ? { partition, epoch: found.epoch, nextOffset: found.nextOffset } : null,
  }
}

/**
 * Goes back neither in epoch nor, within one, in offset: an owner before may write late, and a new epoch
 * begins at the offset that it is told with. Primary key.
 */
export async function saveSequences(
  db: Queryable,
  eventsTopic: string,
  positions: readonly SequencePosition[],
): Promise<void> {
  await db.query(
    `insert into sequence_positions as held (events_topic, partition, epoch, next_offset)
     select $1, * from unnest($2::int[], $3::int[], $4::bigint[])
     on conflict (events_topic, partition) do update
        set epoch = excluded.epoch,
            next_offset = case when held.epoch = excluded.epoch
              then greatest(held.next_offset, excluded.next_offset)
              else excluded.next_offset end
      where held.epoch <= excluded.epoch`,
    [
      eventsTopic,
      positions.map(({ partition }) => partition),
      positions.map(({ epoch }) => epoch),
      positions.map(({ nextOffset }) => nextOffset),
    ],
  )
}

/** The epoch that a partition's numbers have now, of whichever log is the newest. */
export async function findEpoch(db: Queryable, partition: number): Promise<number> {
  const { rows } = await db.query<{ epoch: number | null }>(
    `select max(epoch) as epoch from sequence_positions where partition = $1`,
    [partition],
  )
  return rows[0]?.epoch ?? 0
}
