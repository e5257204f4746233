import type { Pool } from 'pg'
import type { Clock } from '../shared/clock.ts'
import type { Secret } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'
import { startListener } from '../shared/postgres/notifications.ts'
import { startComparing } from './delivery/compare-connections.ts'
import type { ConnectionCache } from './delivery/connection-cache.ts'
import { createFindChanged } from './delivery/open-connection.ts'

export interface FollowOptions {
  readonly databaseUrl: Secret
  readonly pool: Pool
  readonly connections: ConnectionCache
  readonly clock: Clock
  readonly logger: Logger
}

/** Keeps the cached connections as Postgres has them: at once by notifications, within 60 s without. */
export function followConnections(options: FollowOptions): { stop(): Promise<void> } {
  const { databaseUrl, pool, connections, clock, logger } = options
  const listener = startListener({
    databaseUrl,
    channel: 'connections_changed',
    onNotification: (workspaceId) => connections.reload(workspaceId),
    onGap: () => connections.reloadAll(),
    clock,
    logger,
  })
  const comparing = startComparing({
    connections,
    findChanged: createFindChanged(pool),
    clock,
    logger,
  })
  return {
    async stop() {
      await Promise.all([listener.stop(), comparing.stop()])
    },
  }
}
