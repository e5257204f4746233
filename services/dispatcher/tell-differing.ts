import type { Pool } from 'pg'
import type { Logger } from '../shared/logger.ts'
import { RestoreError } from '../shared/restores/restore-problem.ts'
import type { Restores } from '../shared/restores/restores.ts'
import type { ConnectionCache } from './delivery/connection-cache.ts'
import { createFindChanged, type FindChanged } from './delivery/open-connection.ts'

export interface TellDifferingOptions {
  readonly connections: Pick<ConnectionCache, 'differing'>
  readonly findChanged: FindChanged
  readonly logger: Pick<Logger, 'error' | 'warn'>
}

/** Rejects when a dispatcher that ran has to end, once the log says what it knows. */
export async function endedByRestore(
  restores: Pick<Restores, 'ended'>,
  { pool, ...options }: Omit<TellDifferingOptions, 'findChanged'> & { readonly pool: Pool },
): Promise<void> {
  try {
    await restores.ended
  } catch (error) {
    await tellDiffering(error, { ...options, findChanged: createFindChanged(pool) })
    throw error
  }
}

/** In one line; of more the first are told, with how many it are. */
const TOLD_MAX = 500

/**
 * Before a dispatcher ends because the database is an older copy: what it remembers is newer, and gone with
 * it. Among these are the customers who have disconnected since, and are connected in the copy.
 */
export async function tellDiffering(
  error: unknown,
  { connections, findChanged, logger }: TellDifferingOptions,
): Promise<void> {
  if (!(error instanceof RestoreError) || error.problem !== 'postgres_restored') return
  try {
    const workspaceIds = await connections.differing(findChanged)
    const facts = { count: workspaceIds.length, workspaceIds: workspaceIds.slice(0, TOLD_MAX) }
    logger.error(facts, 'restore.connections_differ')
  } catch (err) {
    logger.warn({ err }, 'restore.connections_not_compared')
  }
}
