import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Secret } from '../../services/shared/config.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { connect, disconnect, loadConnections } from '../../services/shared/postgres/connections.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { deleteSource, insertSource } from '../../services/shared/postgres/sources.ts'
import { putWorkspace } from '../../services/shared/postgres/workspaces.ts'
import { migrateToBefore } from '../support/migrate-to-before.ts'
import { freshDatabase } from '../support/stack.ts'

const logger = createLogger('test', 'silent')

async function aDatabase() {
  const databaseUrl = new Secret(await freshDatabase())
  const pool = createPool({ databaseUrl, applicationName: 'test', connectionsMax: 3, logger })
  onTestFinished(() => pool.end())
  return { databaseUrl, pool }
}

async function aMigratedDatabase() {
  const database = await aDatabase()
  await migrate(database.databaseUrl, logger)
  await putWorkspace(database.pool, workspace)
  return database
}

const workspace = { id: 'ws_1', name: null, timezone: 'Europe/Kyiv', defaultCountry: 'UA' }
const target = {
  workspaceId: 'ws_1',
  url: 'https://example.com/',
  passwordSealed: null,
  passwordScheme: 'bearer',
  passwordHeader: null,
  maskNumbers: false,
  signingSecretSealed: 'sealed',
  expectedVersion: 0,
  logEnd: null,
} as const

/** What a channel heard by the time everything sent before was delivered. */
async function listenTo(databaseUrl: Secret, channel: string) {
  const client = new pg.Client({ connectionString: databaseUrl.reveal() })
  await client.connect()
  onTestFinished(() => client.end())
  const heard: (string | undefined)[] = []
  client.on('notification', ({ payload }) => heard.push(payload))
  await client.query(`listen ${channel}`)
  return async () => {
    // Notifications come before the answer of the next statement.
    await client.query('select 1')
    return heard
  }
}

describe('migrations', () => {
  it('run once when replicas start together', async () => {
    const { databaseUrl, pool } = await aDatabase()

    await Promise.all([1, 2, 3, 4].map(() => migrate(databaseUrl, logger)))

    const { rows } = await pool.query(
      'select name, count(*)::int from schema_migrations group by 1',
    )
    expect(rows.length).toBeGreaterThanOrEqual(3)
    expect(rows.every(({ count }) => count === 1)).toBe(true)
  })

  it('leave a database alone that is newer than this version', async () => {
    const { databaseUrl, pool } = await aMigratedDatabase()
    await pool.query(`insert into schema_migrations (name, run_on) values ('9999-later', now())`)

    await expect(migrate(databaseUrl, logger)).resolves.toBeUndefined()
  })

  it('let others pass while somebody holds their table, and get through when it is free', async () => {
    const { databaseUrl, pool } = await aDatabase()
    await migrateToBefore(pool, '0059')
    // As a backup does, for as long as it takes.
    const holder = await pool.connect()
    await holder.query('begin; select from spool')
    const others = askAgainAndAgain(pool, 'select from spool')
    let pauses = 0
    const sleep = async () => {
      pauses += 1
      // Only in the second pause: what waited behind the first try was let through before.
      if (pauses === 2) await holder.query('commit')
      else await pool.query('select from spool')
    }

    await migrate(databaseUrl, logger, { sleep })
    holder.release()

    expect(pauses).toBe(2)
    const longestMs = await others.stop()
    // They did wait behind it, and never for more than one try of it.
    expect(longestMs).toBeGreaterThan(500)
    expect(longestMs).toBeLessThan(3_500)
    await expect(pool.query('select stuck_at from spool')).resolves.toMatchObject({ rows: [] })
  })

  it('build an index beside the traffic, and anew where half of it was there', async () => {
    const { databaseUrl, pool } = await aMigratedDatabase()
    const folder = aFolderWith('0001-by-size.sql', BESIDE_THE_TRAFFIC)
    await pool.query('alter table schema_migrations rename to schema_migrations_of_ours')
    await pool.query('create index spool_by_size on spool (id)')
    // Somebody reads and writes, and is not through: an index that locked the table would wait for it.
    const writer = await pool.connect()
    await writer.query(`begin; insert into spool (workspace_id, size_bytes, entry_sealed)
      values ('ws_1', 1, 'sealed')`)
    const others = askAgainAndAgain(pool, 'select from spool')

    const both = Promise.all([1, 2].map(() => migrate(databaseUrl, logger, { folder })))
    // It fails the test below, and not the run.
    both.catch(() => undefined)
    await pool.query(`insert into spool (workspace_id, size_bytes, entry_sealed)
      values ('ws_1', 2, 'sealed')`)
    await writer.query('commit')
    writer.release()
    await both

    expect(await others.stop()).toBeLessThan(500)
    const { rows } = await pool.query(
      `select indisvalid, pg_get_indexdef(indexrelid) as definition from pg_index
       where indexrelid = 'spool_by_size'::regclass`,
    )
    expect(rows).toMatchObject([
      { indisvalid: true, definition: expect.stringContaining('(size_bytes)') },
    ])
  })

  it('keep the files before one that cannot be applied, and tell its error', async () => {
    const { databaseUrl, pool } = await aDatabase()
    await migrateToBefore(pool, '0058')
    await pool.query('create index spool_going on spool (id)')

    await expect(migrate(databaseUrl, logger)).rejects.toThrow('"spool_going" already exists')

    const { rows } = await pool.query('select name from schema_migrations order by id desc limit 1')
    expect(rows).toEqual([{ name: '0058-open-sessions' }])
    await pool.query('drop index spool_going')
    await expect(migrate(databaseUrl, logger)).resolves.toBeUndefined()
  })
})

const BESIDE_THE_TRAFFIC = `
-- Of half a run; it may be there.
drop index concurrently if exists spool_by_size;
create index concurrently spool_by_size on spool (size_bytes);
`

function aFolderWith(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, name), text)
  return folder
}

/** One after the other until it is stopped; then how long the slowest took, in milliseconds. */
function askAgainAndAgain(pool: Pool, text: string): { stop(): Promise<number> } {
  let isStopped = false
  const asking = (async () => {
    let longestMs = 0
    while (!isStopped) {
      const startedAt = performance.now()
      await pool.query(text)
      longestMs = Math.max(longestMs, performance.now() - startedAt)
    }
    return longestMs
  })()
  // Awaited by `stop`; a statement that fails before must not end the test run.
  asking.catch(() => undefined)
  return {
    stop: () => {
      isStopped = true
      return asking
    },
  }
}

describe('connections', () => {
  it('are loaded many at once, those that exist', async () => {
    const { pool } = await aMigratedDatabase()
    await connect(pool, target)

    const loaded = await loadConnections(pool, ['ws_1', 'ws_2'])

    expect(loaded).toMatchObject([
      { workspaceId: 'ws_1', state: 'connected', version: 1, connectedAt: expect.any(Date) },
    ])
  })

  it('start with new events after a suspension and go on with the waiting ones otherwise', async () => {
    const { pool } = await aMigratedDatabase()
    const reconnectFrom = async (state: string, expectedVersion: number) => {
      await pool.query(`update connections set state = $1, connected_at = '2026-01-01Z'`, [state])
      return connect(pool, { ...target, expectedVersion })
    }
    await connect(pool, target)

    const [kept, begun] = [await reconnectFrom('failing', 1), await reconnectFrom('suspended', 2)]

    expect(kept).toEqual({ connectedAt: new Date('2026-01-01Z'), isNew: false })
    expect(begun?.isNew).toBe(true)
    expect(Number(begun?.connectedAt)).toBeGreaterThan(Date.parse('2026-01-02Z'))
  })

  it('keep where in the log they began, until they begin anew', async () => {
    const { pool } = await aMigratedDatabase()
    const began = async () => {
      const [row] = await loadConnections(pool, ['ws_1'])
      return [row?.connectedTopic, row?.connectedOffset]
    }
    const at = (offset: number) => ({ topic: 'calls.events', offset })
    await connect(pool, { ...target, logEnd: at(7) })
    await connect(pool, { ...target, expectedVersion: 1, logEnd: at(9) })
    expect(await began()).toEqual(['calls.events', 7])

    await disconnect(pool, 'ws_1')
    await connect(pool, { ...target, expectedVersion: 3, logEnd: null })

    expect(await began()).toEqual([null, null])
  })

  it('refuse a state in which nothing could be posted', async () => {
    const { pool } = await aMigratedDatabase()

    const insert = pool.query(
      `insert into connections (workspace_id, state) values ('ws_1', 'failing')`,
    )

    await expect(insert).rejects.toThrow('connected_has_a_target')
  })
})

describe('notifications', () => {
  it('name the connection for each change, and none for a delivery', async () => {
    const { databaseUrl, pool } = await aMigratedDatabase()
    const heard = await listenTo(databaseUrl, 'connections_changed')

    await connect(pool, target)
    await pool.query(`update connections set last_delivered_at = now(), retry_attempt = 2`)
    await connect(pool, { ...target, expectedVersion: 1 })
    await disconnect(pool, 'ws_1')

    expect(await heard()).toEqual(['ws_1', 'ws_1', 'ws_1'])
  })

  it('name the source for each change, its workspace included', async () => {
    const { databaseUrl, pool } = await aMigratedDatabase()
    const heard = await listenTo(databaseUrl, 'sources_changed')

    await insertSource(pool, {
      id: 'source_1',
      workspaceId: 'ws_1',
      provider: 'binotel',
      label: null,
      settingsSealed: 'sealed',
      tokenHash: Buffer.alloc(32),
    })
    await putWorkspace(pool, { ...workspace, name: 'only the name' })
    await putWorkspace(pool, { ...workspace, timezone: 'Europe/Warsaw' })
    await deleteSource(pool, { id: 'source_1', workspaceId: 'ws_1' })

    expect(await heard()).toEqual(['source_1', 'source_1', 'source_1'])
  })
})
