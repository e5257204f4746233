import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eraseWorkspaces } from '../../services/console/erase-workspaces.ts'
import { startHousekeeping } from '../../services/console/housekeeping.ts'
import { retentionsOf } from '../../services/console/retention.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { deleteWorkspace } from '../../services/shared/postgres/deleted-workspaces.ts'
import { inTransaction } from '../../services/shared/postgres/transaction.ts'
import { quiet } from '../support/builders.ts'
import { startMigratedConsole, type TestConsole } from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

/** What becomes of the rows of a customer who leaves, and of rows that nobody needs any more. */

let api: TestConsole

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
})

afterAll(() => api.close())

/** Every table that names a workspace, be it one that this test has never heard of. */
async function tablesOfWorkspaces(): Promise<readonly string[]> {
  const { rows } = await api.pool.query<{ table: string }>(
    `select c.relname as table from pg_attribute a join pg_class c on c.oid = a.attrelid
      where a.attname = 'workspace_id' and c.relkind in ('r', 'p') and not c.relispartition
        and c.relnamespace = 'public'::regnamespace
      order by 1`,
  )
  return rows.map(({ table }) => table)
}

async function rowsOf(workspaceId: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const table of await tablesOfWorkspaces()) {
    const { rows } = await api.pool.query<{ rows: number }>(
      `select count(*)::int as rows from ${table} where workspace_id = $1`,
      [workspaceId],
    )
    counts[table] = rows[0]?.rows ?? 0
  }
  return counts
}

/** A row in each table, and 2,500 where a real one has thousands. */
const FILL = [
  `insert into sources (id, workspace_id, provider, settings_sealed, token_hash)
   values ($1 || '_source', $1, 'binotel', 'sealed', sha256($1::bytea))`,
  `insert into connections (workspace_id, state, disconnected_at)
   values ($1, 'disconnected', now())`,
  `insert into gaps (workspace_id, from_at, reason) values ($1, now(), 'disconnected')`,
  `insert into backfills (id, workspace_id, since, until, mode)
   values ($1 || '_backfill', $1, now(), now(), 'all')`,
  `insert into portal_links (token_hash, workspace_id, expires_at)
   values (sha256($1::bytea), $1, now())`,
  `insert into sessions (token_hash, workspace_id, expires_at)
   values (sha256($1::bytea), $1, now())`,
  `insert into idempotency_keys (workspace_id, route, key, request_hash, claim_id)
   values ($1, 'POST', 'key', sha256(''), gen_random_uuid())`,
  `insert into dead_letters (workspace_id, event_id, event, reason, attempts, dead_at)
   values ($1, 'evt_1', 'call.completed', 'attempts', 9, now())`,
  `insert into published_events
     (event_id, workspace_id, call_id, provider, provider_call_id, recording_status)
   select $1 || n, $1, 'call', 'binotel', 'x', 'none' from generate_series(1, 2500) as n`,
  `insert into delivery_attempts
     (workspace_id, event_id, event, attempt, outcome, duration_ms, at)
   select $1, 'evt', 'call.completed', 1, 'delivered', 5, now() - n * interval '1 minute'
     from generate_series(1, 2500) as n`,
  `insert into held_sessions (source_id, session_id, workspace_id, provider, settings_sealed,
     timezone, default_country, closed)
   values ($1, 's', $1, 'stream-telecom', 'sealed', 'UTC', 'UA', false)`,
  `insert into held_legs (source_id, session_id, leg_id, leg_sealed) values ($1, 's', 'l', 'leg')`,
  `insert into recording_checks (call_id, provider, event_sealed, due_at, workspace_id)
   values ($1, 'unitalk', 'sealed', now(), $1)`,
  `insert into spool (workspace_id, size_bytes, entry_sealed) values ($1, 6, 'sealed')`,
] as const

async function fill(workspaceId: string): Promise<void> {
  for (const text of FILL) await api.pool.query(text.replaceAll('$1', `'${workspaceId}'`))
  await api.pool.query('update spool_size set entries = entries + 1, bytes = bytes + 6')
}

/** As an hour later: what was under way has come. */
function erase(): Promise<void> {
  const { signal } = new AbortController()
  return eraseWorkspaces({ pool: api.pool, logger: quiet, settledMinutes: 0 }, signal)
}

async function statementsThatWait(): Promise<number> {
  const { rows } = await api.pool.query<{ waiting: number }>(
    `select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0]?.waiting ?? 0
}

describe('a workspace that is deleted', () => {
  it('leaves no row, and every other workspace its own', async () => {
    const [gone, other] = [await api.aWorkspace(), await api.aWorkspace()]
    for (const { id } of [gone, other]) await fill(id)
    const before = await rowsOf(other.id)

    const deleted = await api.call(`DELETE ${gone.path}`)
    await erase()
    await erase()

    expect(deleted.status).toBe(202)
    expect(deleted.body).toMatchObject({ id: gone.id, erasedAt: null })
    expect(Object.entries(before).filter(([, rows]) => rows === 0)).toEqual([])
    expect(Object.entries(await rowsOf(gone.id)).filter(([, rows]) => rows > 0)).toEqual([])
    expect(await rowsOf(other.id)).toEqual(before)
    const { rows } = await api.pool.query(
      `select (select count(*)::int from held_legs) as legs, entries::int, bytes::int
         from spool_size`,
    )
    expect(rows).toEqual([{ legs: 1, entries: 1, bytes: 6 }])
    expect((await api.call(`DELETE ${gone.path}`)).body.erasedAt).not.toBeNull()
  })

  it('opens nothing at once, is told once, and its id is nobody else’s', async () => {
    const workspace = await api.aWorkspace()

    await api.call(`DELETE ${workspace.path}`)

    expect((await api.call(`GET ${workspace.path}`)).status).toBe(404)
    expect((await api.call(`GET ${workspace.path}`, { token: workspace.token })).status).toBe(401)
    expect((await api.call(`PUT ${workspace.path}`, { body: {} })).status).toBe(409)
    expect((await api.call('DELETE /v1/workspaces/ws_never')).status).toBe(404)
  })

  it('takes nothing while it is being deleted, and does not begin anew', async () => {
    const { id, path, token } = await api.aWorkspace()
    const source = { provider: 'phonet' }

    const asked = await inTransaction(api.pool, async (client) => {
      await deleteWorkspace(client, id)
      const waiting = [
        api.call(`PUT ${path}`, { body: {} }),
        api.call(`POST ${path}/sources`, { token, body: source }),
      ]
      await expect.poll(statementsThatWait).toBe(waiting.length)
      return waiting
    })

    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([409, 404])
    expect((await api.call(`GET ${path}`)).status).toBe(404)
  })
})

describe('rows that nobody needs any more', () => {
  it('go after the days that are set, and younger ones and open ones stay', async () => {
    const workspace = await api.aWorkspace()
    const days = { deadLetters: 30, gaps: 31, backfills: 32, tokens: 33, disconnected: 34 }
    const counted = [
      ['dead_letters', 30],
      ['gaps', 31],
      ['backfills', 32],
      ['access_tokens', 33],
    ] as const
    await addAged(workspace.id)

    const housekeeping = startHousekeeping({
      pool: api.pool,
      retentionDays: 30,
      retentions: retentionsOf(days),
      registry: new Registry(),
      clock,
      logger: quiet,
    })
    // The last table but one; a stop would end the run.
    await expect.poll(async () => (await rowsOf(workspace.id))['connections']).toBe(0)
    await housekeeping.stop()

    const left = await rowsOf(workspace.id)
    expect(counted.map(([table]) => [table, left[table]])).toEqual([
      ['dead_letters', 1],
      ['gaps', 2],
      ['backfills', 2],
      // Its own, which does not end, and the younger one.
      ['access_tokens', 2],
    ])
    expect(left['connections']).toBe(0)
  })
})

/** Of each kind one that is a day too old, one that is a day younger than that has to be, and an open one. */
async function addAged(id: string): Promise<void> {
  const ago = (days: number) => `now() - interval '${days} days'`
  const texts = [
    ...[29, 31].map(
      (age) => `insert into dead_letters (workspace_id, event_id, event, reason, attempts, dead_at)
                values ('${id}', 'evt_${age}', 'call.completed', 'attempts', 9, ${ago(age)})`,
    ),
    ...[30, 32].map(
      (age) => `insert into gaps (workspace_id, from_at, to_at, reason)
                values ('${id}', ${ago(100)}, ${ago(age)}, 'suspended')`,
    ),
    `insert into gaps (workspace_id, from_at, reason) values ('${id}', ${ago(100)}, 'disconnected')`,
    ...[
      [31, 'done'],
      [33, 'done'],
      [33, 'running'],
    ].map(
      ([age, state], index) => `insert into backfills
          (id, workspace_id, since, until, mode, state, created_at)
        values ('${id}_${index}', '${id}', now(), now(), 'all', '${state}', ${ago(Number(age))})`,
    ),
    ...[32, 34].map(
      (age) => `insert into access_tokens (token_hash, workspace_id, expires_at)
                values (sha256('${id}${age}'), '${id}', ${ago(age)})`,
    ),
    `insert into connections (workspace_id, state, disconnected_at)
     values ('${id}', 'disconnected', ${ago(35)})`,
  ]
  for (const text of texts) await api.pool.query(text)
}
