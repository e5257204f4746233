import { writeInHalves } from '../shared/postgres/in-halves.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import type { OnRefusedRow } from '../shared/postgres/refused-rows.ts'
import { noteSourceActivity, type SourceActivity } from '../shared/postgres/source-activity.ts'

/** Rejects when Postgres does not answer; then nothing of it counts as told. */
export function createActivityStore(pool: Pool, onRefused: OnRefusedRow) {
  const idsOf = ({ sourceId }: SourceActivity) => ({ sourceId })
  const refusals = { statement: 'note_source_activity', idsOf, onRefused } as const
  return (noted: readonly SourceActivity[]): Promise<void> =>
    writeInHalves(noted, (some) => noteSourceActivity(pool, some), refusals)
}
