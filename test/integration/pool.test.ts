import { afterAll, expect, it } from 'vitest'
import { Secret } from '../../services/shared/config.ts'
import { createPool } from '../../services/shared/postgres/pool.ts'
import { requireSessions } from '../../services/shared/postgres/require-sessions.ts'
import { quiet } from '../support/builders.ts'
import { testStack } from '../support/stack.ts'

/** A transaction waits for something else between its statements: then Postgres stops. */

const pool = createPool({
  databaseUrl: new Secret(testStack().env.DATABASE_URL),
  applicationName: 'pool',
  connectionsMax: 2,
  logger: quiet,
})
afterAll(() => pool.end())

it('takes Postgres itself for what gives each client a session of its own', async () => {
  await expect(requireSessions(new Secret(testStack().env.DATABASE_URL))).resolves.toBeUndefined()
})

it('outlives a connection that is ended between two statements of a transaction', async () => {
  const client = await pool.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const ended = new Promise((resolve) => client.once('end', resolve))

  // Whatever nobody listens for ends the process, and this test run.
  await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  await ended

  await expect(client.query('select 1')).rejects.toThrow(/not queryable/)
  client.release(true)
})
