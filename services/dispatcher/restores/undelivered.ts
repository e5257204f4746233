import type { Pool } from 'pg'
import {
  findUndelivered,
  oldestPublishedAt,
  type UndeliveredCall,
} from '../../shared/postgres/undelivered-calls.ts'
import { byWorkspace } from './settled-log.ts'
import { merged, spansOf, type Vanished, vanishedOf } from './vanished.ts'

export interface UndeliveredOptions {
  readonly pool: Pool
  /** Milliseconds since 1970: what was published before is left as it is. Null: all that is known. */
  readonly since: number | null
  /** By partition; exclusive. */
  readonly until: readonly number[]
}

/** A page at a time, the oldest first: a week of a dead cluster does not fit into memory. */
export async function* undelivered({
  pool,
  since,
  until,
}: UndeliveredOptions): AsyncGenerator<readonly UndeliveredCall[]> {
  const oldest = await oldestPublishedAt(pool)
  if (oldest === null) return
  const untilOf = byWorkspace(until)
  for (const span of spansOf({ from: Math.max(since ?? 0, oldest), until: Math.max(...until) })) {
    const found = await findUndelivered(pool, span)
    const calls = found.filter(({ workspaceId, at }) => at < untilOf(workspaceId))
    if (calls.length > 0) yield calls
  }
}

/** One for each workspace that has any. */
export async function listVanished(options: UndeliveredOptions): Promise<readonly Vanished[]> {
  let vanished: readonly Vanished[] = []
  for await (const calls of undelivered(options)) {
    vanished = merged([...vanished, ...calls.map(vanishedOf)])
  }
  return vanished
}
