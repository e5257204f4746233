import type { Logger } from '../shared/logger.ts'
import {
  type DeletedWorkspace,
  ERASED_TABLES,
  eraseSome,
  markErased,
  workspacesToErase,
} from '../shared/postgres/deleted-workspaces.ts'
import type { Pool } from '../shared/postgres/pool.ts'

/** Small deletes hold no lock for long. */
const CHUNK_ROWS = 2_000
/** Far longer than a cached source is believed, a lease lasts or a request is under way. */
const SETTLED_MINUTES = 60

export interface EraseOptions {
  readonly pool: Pool
  readonly logger: Logger
  /** Minutes after which nothing of a workspace comes any more. */
  readonly settledMinutes?: number
}

/**
 * Removes what deleted workspaces have left. A workspace is looked at until nothing was found of it an
 * hour after it was deleted; then it counts as erased. One that fails keeps no other one from its turn.
 */
export async function eraseWorkspaces(options: EraseOptions, signal: AbortSignal): Promise<void> {
  const { pool, logger } = options
  for (const workspace of await workspacesToErase(pool)) {
    try {
      await erase(workspace, options, signal)
    } catch (error) {
      logger.warn({ workspaceId: workspace.id, err: error }, 'workspace.not_erased')
    }
  }
}

async function erase(
  { id: workspaceId }: DeletedWorkspace,
  { pool, logger, settledMinutes = SETTLED_MINUTES }: EraseOptions,
  signal: AbortSignal,
): Promise<void> {
  const counts: Record<string, number> = {}
  for (const table of ERASED_TABLES) {
    let removed = CHUNK_ROWS
    // Attempts of one moment go together, so a chunk of them may be a little larger.
    while (removed >= CHUNK_ROWS && !signal.aborted) {
      removed = await eraseSome(pool, table, { workspaceId, limit: CHUNK_ROWS })
      if (removed > 0) counts[table] = (counts[table] ?? 0) + removed
    }
  }
  if (signal.aborted) return
  if (Object.keys(counts).length > 0) {
    logger.info({ workspaceId, rows: counts }, 'workspace.rows_erased')
  } else if (await markErased(pool, workspaceId, { afterMinutes: settledMinutes })) {
    logger.info({ workspaceId }, 'workspace.erased')
  }
}
