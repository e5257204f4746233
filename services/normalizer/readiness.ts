import type { Kafka } from 'kafkajs'
import { withinMs } from '../shared/deadline.ts'
import { createClusterLink } from '../shared/kafka/wire/cluster-link.ts'
import type { Logger } from '../shared/logger.ts'
import { checkDatabase, type Pool } from '../shared/postgres/pool.ts'
import type { RestoreProblem } from '../shared/restores/restore-problem.ts'
import type { Health } from '../shared/telemetry-server.ts'

/**
 * Whether this replica can take webhooks: Kafka or Postgres answers, since either keeps a call
 * safe. With both needed, an outage of one would take every replica out of rotation, and calls of
 * providers that send once would be lost at the load balancer. Asked for real each time, because
 * without traffic nobody else would notice that one of them went away or came back.
 *
 * What is degraded is told and refuses nobody: an entry that is stuck in the spool holds up nothing
 * else, and a load balancer without replicas would turn away the calls of all workspaces for it.
 */
export type Degraded =
  | 'spool_entry_stuck'
  /** Normalizers of another events topic run on this database, and write what waits in it. */
  | 'log_lease_elsewhere'
  /** What waits in Postgres goes nowhere until somebody has confirmed it. */
  | RestoreProblem
  /** See `callwebhook_registry_lost_schemas`: we write on, under the id that we have. */
  | 'registry_lost'

export interface Readiness {
  check(): Promise<Health>
  stop(): Promise<void>
}

/** Below the time limit of common probes. */
const ANSWER_MS = 2_000

export interface ReadinessOptions {
  readonly kafka: Kafka
  readonly pool: Pool
  readonly degraded: () => readonly Degraded[]
  readonly logger: Logger
}

export function createReadiness({ kafka, pool, degraded, logger }: ReadinessOptions): Readiness {
  const link = createClusterLink({ kafka, logger })

  async function checkKafka(): Promise<Health> {
    await link.refresh()
    return { ok: true }
  }

  return {
    async check() {
      const [database, log] = await Promise.all([
        named('Postgres', checkDatabase(pool)),
        named('Kafka', checkKafka()),
      ])
      if (!database.ok && !log.ok) return database
      const standing = degraded()
      return standing.length === 0 ? { ok: true } : { ok: true, degraded: standing }
    },
    stop: async () => link.close(),
  }
}

async function named(part: string, check: Promise<Health>): Promise<Health> {
  try {
    return await withinMs(ANSWER_MS, check)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { ok: false, reason: `${part} does not answer: ${detail}` }
  }
}
