import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Logger } from '../shared/logger.ts'
import { CONNECTION_STATES, countConnectionsByState } from '../shared/postgres/connections.ts'
import type { Pool } from '../shared/postgres/pool.ts'

/** All metrics of the console, on a registry of their own. */
export function createConsoleMetrics(pool: Pool, logger: Logger): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'callwebhook_connections',
    help: 'Connections by state: how many customers receive their events, and how many wait?',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      // Gone rather than old while the database is away; the other metrics must not go with it.
      this.reset()
      try {
        const counted = await countConnectionsByState(pool)
        for (const state of CONNECTION_STATES) this.set({ state }, 0)
        for (const { state, connections } of counted) this.set({ state }, connections)
      } catch (error) {
        logger.warn({ err: error }, 'metrics.connections_not_counted')
      }
    },
  })
  return registry
}
