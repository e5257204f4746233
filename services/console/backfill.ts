import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import {
  BACKFILL_MODES,
  BACKFILL_STATES,
  type Backfill,
  callOffBackfill,
  findBackfill,
  markBackfillAsked,
} from '../shared/postgres/backfills.ts'
import { findConnection } from '../shared/postgres/connections.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import { type ConsoleDeps, instant } from './console-app.ts'
import { plainProblem } from './problem.ts'
import type { Rewind } from './rewinds.ts'

/** A back-fill as the API shows it. */
export const backfill = z
  .object({
    id: z.string(),
    state: z.enum(BACKFILL_STATES),
    since: instant,
    until: instant,
    mode: z.enum(BACKFILL_MODES),
    replayed: z.number().int().describe('Events sent again so far.'),
    position: instant.nullable().describe('Log time of the last one.'),
    createdAt: instant,
  })
  .meta({ id: 'Backfill' })

export function shownBackfill(row: Backfill): z.infer<typeof backfill> {
  const { id, state, mode, replayed, since, until, positionAt, createdAt } = row
  return {
    id,
    state,
    since: since.toISOString(),
    until: until.toISOString(),
    mode,
    replayed,
    position: positionAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
  }
}

export function newBackfillId(): string {
  return `backfill_${randomBytes(12).toString('hex')}`
}

/** @throws Problem 404 when the workspace has no such back-fill. */
export async function requireBackfill(
  pool: Pool,
  workspaceId: string,
  id: string,
): Promise<Backfill> {
  const found = await findBackfill(pool, workspaceId, id)
  if (found === null) throw plainProblem(404, 'The workspace has no such back-fill.')
  return found
}

/** @throws Problem 409 when nothing could be sent: a back-fill would be over before it began. */
export async function requireTakesEvents(
  { pool, restores }: Pick<ConsoleDeps, 'pool' | 'restores'>,
  workspaceId: string,
): Promise<void> {
  // In a log that was made anew a back-fill finds nothing, and would tell that all was delivered.
  if (!(await restores.isClearNow().catch(() => false))) {
    throw plainProblem(503, 'Calls cannot be sent again right now. Repeat this in a few minutes.')
  }
  const { state = 'disconnected' } = (await findConnection(pool, workspaceId)) ?? {}
  if (state === 'connected' || state === 'failing') return
  throw plainProblem(
    409,
    `The workspace is ${state}, so nothing can be sent. Connect first (PUT …/connection), then repeat.`,
  )
}

/**
 * Asks the dispatchers for a back-fill that stands in the table. If they cannot be asked, it is
 * called off, so that it neither stays queued nor begins after all.
 *
 * @throws EventLogAwayError
 */
export async function askForBackfill(
  { pool, rewinds }: Pick<ConsoleDeps, 'pool' | 'rewinds'>,
  rewind: Rewind,
): Promise<void> {
  try {
    await rewinds.rewind(rewind)
  } catch (error) {
    await callOffBackfill(pool, rewind, 'failed')
    throw error
  }
  await markBackfillAsked(pool, rewind.id)
}
