import type { PoolClient } from 'pg'
import type { Pool } from './pool.ts'

/** Runs `work` in a transaction of its own, which is undone when `work` rejects. */
export async function inTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    // Closed, not reused: its transaction ends with it.
    client.release(true)
    throw error
  }
}
