import type { Kafka } from 'kafkajs'
import { withinMs } from '../shared/deadline.ts'
import { createClusterLink } from '../shared/kafka/wire/cluster-link.ts'
import type { Logger } from '../shared/logger.ts'
import { checkDatabase, type Pool } from '../shared/postgres/pool.ts'
import type { Health } from '../shared/telemetry-server.ts'

/**
 * Whether this replica can take webhooks: Kafka or Postgres answers, since either keeps a call
 * safe. With both needed, an outage of one would take every replica out of rotation, and calls of
 * providers that send once would be lost at the load balancer. Asked for real each time, because
 * without traffic nobody else would notice that one of them went away or came back.
 */
export interface Readiness {
  check(): Promise<Health>
  stop(): Promise<void>
}

/** Below the time limit of common probes. */
const ANSWER_MS = 2_000

export function createReadiness(kafka: Kafka, pool: Pool, logger: Logger): Readiness {
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
      return database.ok || log.ok ? { ok: true } : database
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
