import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { Registry } from 'prom-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { resealAll, startResealing } from '../../services/normalizer/resealing.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createSecretBox } from '../../services/shared/secret-box.ts'
import { quiet } from '../support/builders.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/stack.ts'

/** What lies sealed in Postgres, when the key is changed. */

const [first, second, third] = [aKey(), aKey(), aKey()] as const
const CONNECTIONS = 450

function aKey(): Secret {
  return new Secret(randomBytes(32).toString('base64'))
}

async function aDatabase() {
  const databaseUrl = await freshDatabase()
  await migrate(new Secret(databaseUrl), quiet)
  const pool = new pg.Pool({ connectionString: databaseUrl })
  onTestFinished(() => pool.end())
  const box = createSecretBox(first)
  for (let number = 0; number < CONNECTIONS; number++) {
    const id = `ws_${number}`
    await pool.query(
      `insert into workspaces (id, timezone, default_country) values ($1, 'UTC', 'UA')`,
      [id],
    )
    await pool.query(
      `insert into connections (workspace_id, state, url, signing_secret_sealed, password_sealed)
       values ($1, 'connected', 'https://crm.example.com', $2, $3)`,
      [id, box.seal(`signing ${number}`), number % 2 ? box.seal(`password ${number}`) : null],
    )
  }
  await pool.query(
    `insert into sources (id, workspace_id, provider, settings_sealed, token_hash)
     values ('src_1', 'ws_1', 'binotel', $1, sha256('src_1'))`,
    [box.seal('{}')],
  )
  return pool
}

async function sealedOf(pool: pg.Pool) {
  const { rows } = await pool.query<{ signing: string; password: string | null; version: string }>(
    `select signing_secret_sealed as signing, password_sealed as password, version
     from connections order by substr(workspace_id, 4)::int`,
  )
  return rows
}

describe('a change of the key', () => {
  it('brings everything that lives long under the new one, once, with several replicas', async () => {
    const pool = await aDatabase()
    const box = createSecretBox(second, [first])

    await Promise.all([1, 2, 3].map(() => resealAll({ pool, box, logger: quiet })))

    const found = await resealAll({ pool, box, logger: quiet })
    expect(found.get('connections')).toEqual({
      current: CONNECTIONS * 1.5,
      previous: 0,
      missing: 0,
    })
    expect(found.get('sources')).toMatchObject({ current: 1, previous: 0 })
    const newOnly = createSecretBox(second)
    const rows = await sealedOf(pool)
    expect(rows.map(({ signing }) => newOnly.open(signing))).toEqual(
      rows.map((_, number) => `signing ${number}`),
    )
    expect(rows.map(({ password }) => password && newOnly.open(password))).toEqual(
      rows.map((_, number) => (number % 2 ? `password ${number}` : null)),
    )
    // No dispatcher has to read them again.
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set(['1']))
  })

  it('leaves alone what it cannot open, goes on with the rest, and tells how much is left', async () => {
    const pool = await aDatabase()
    const late = createSecretBox(third, [second])
    await pool.query(
      `update connections set signing_secret_sealed = $1 where workspace_id = 'ws_7'`,
      [createSecretBox(second).seal('signing 7')],
    )
    await pool.query(
      `update connections set signing_secret_sealed = $1 where workspace_id = 'ws_8'`,
      [createSecretBox(second).seal('damaged').slice(0, 20)],
    )
    const before = await sealedOf(pool)
    const registry = new Registry()
    const resealing = startResealing({ pool, box: late, registry, clock, logger: quiet })
    onTestFinished(() => resealing.stop())

    await eventually(async () => {
      const text = await registry.metrics()
      const missing = CONNECTIONS * 1.5 - 2
      expect(text).toContain(
        `callwebhook_sealed_values{table="connections",key="missing"} ${missing}`,
      )
      expect(text).toContain('callwebhook_sealed_values{table="connections",key="current"} 1')
      expect(text).toContain('callwebhook_sealed_values{table="connections",key="previous"} 1')
    })

    const after = await sealedOf(pool)
    expect(late.open(after[7]?.signing ?? '')).toBe('signing 7')
    expect(after.filter((_, number) => number !== 7)).toEqual(
      before.filter((_, number) => number !== 7),
    )
  })
})
