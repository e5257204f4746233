import type { PoolClient } from 'pg'

/**
 * Runs `work` so that its failure leaves the transaction around it usable: without it, one row that
 * Postgres refuses ends the transaction of all others. Not to be nested.
 */
export async function withSavepoint<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('savepoint batch')
  try {
    const done = await work()
    await client.query('release savepoint batch')
    return done
  } catch (error) {
    // On a connection that broke this fails as well; what counts is the first error.
    await client.query('rollback to savepoint batch').catch(() => undefined)
    throw error
  }
}
