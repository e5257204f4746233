import type { Logger } from '../shared/logger.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import type { Restores } from '../shared/restores/restores.ts'

/**
 * Table `log_lease`: into which log the normalizers write what waits in Postgres.
 *
 * While a log is replaced by one with more partitions, normalizers of both share a database. If one
 * of the new log took a held call that an old one had stored, the customer would get it after calls
 * that came later: the new log is delivered last.
 */
export interface LogLease {
  /**
   * Takes or renews the lease for our topic; all replicas of one topic have it together. False
   * while normalizers of another topic run, and for 10 s after the last of them; and while a store was
   * restored and nobody has confirmed it: what waits in Postgres may be in the log.
   */
  isOurs(): Promise<boolean>
  /** Whether another topic had it when it was asked for last. */
  readonly isElsewhere: boolean
}

/** Longer than a pause of a process that lives: it is renewed every second. */
const LEASE_MS = 10_000

export interface LogLeaseOptions {
  readonly pool: Pool
  readonly eventsTopic: string
  readonly restores: Pick<Restores, 'isClearNow'>
  readonly logger: Logger
}

export function createLogLease(options: LogLeaseOptions): LogLease {
  const { pool, eventsTopic, restores, logger } = options
  let isElsewhere = false
  return {
    async isOurs() {
      const { rowCount } = await pool.query({
        name: 'lease-log',
        text: LEASE_LOG,
        values: [eventsTopic, LEASE_MS],
      })
      const was = isElsewhere
      isElsewhere = rowCount === 0
      if (isElsewhere !== was) logger.warn({ eventsTopic, isElsewhere }, 'log_lease.changed')
      return !isElsewhere && (await restores.isClearNow())
    },
    get isElsewhere() {
      return isElsewhere
    },
  }
}

const LEASE_LOG = `
  insert into log_lease as held (events_topic, leased_until)
  values ($1, now() + $2::integer * interval '1 millisecond')
  on conflict (is_only) do update
     set events_topic = excluded.events_topic, leased_until = excluded.leased_until
   where held.events_topic = excluded.events_topic or held.leased_until < now()`
