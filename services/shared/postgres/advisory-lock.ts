import type { PoolClient } from 'pg'
import type { Pool } from './pool.ts'

/** Milliseconds after which the server ends the session of a holder that was frozen. */
const SILENCE_MAX_MS = 30_000

/**
 * Runs `work` while this process alone holds the lock of that name, over the connection that holds
 * it: when it breaks, so does the work. False when another process has the lock.
 */
export async function withAdvisoryLock(
  pool: Pool,
  name: string,
  work: (client: PoolClient) => Promise<void>,
): Promise<boolean> {
  const client = await pool.connect()
  try {
    await client.query(
      `set idle_session_timeout = ${SILENCE_MAX_MS};
       set idle_in_transaction_session_timeout = ${SILENCE_MAX_MS}`,
    )
    const { rows } = await client.query<{ locked: boolean }>(
      `select pg_try_advisory_lock(hashtext($1)) as locked`,
      [name],
    )
    if (!rows[0]?.locked) return false
    await work(client)
    return true
  } finally {
    // Closed, not reused: its lock and its time limit end with it.
    client.release(true)
  }
}
