import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { Registry } from 'prom-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { resealNow } from '../../services/normalizer/reseal-now.ts'
import { type Pass, resealAll, startResealing } from '../../services/normalizer/resealing.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { SEALED_COLUMNS } from '../../services/shared/postgres/sealed-columns.ts'
import {
  legPlace,
  passwordPlace,
  recordingCheckPlace,
  settingsPlace,
  signingSecretPlace,
} from '../../services/shared/sealed-places.ts'
import {
  createSecretBox,
  type SealedPlace,
  type SecretBox,
} from '../../services/shared/secret-box.ts'
import { quiet } from '../support/builders.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/stack.ts'

/** What lies sealed in Postgres, when the key is changed. */

const first = new Secret(Buffer.alloc(32, 7).toString('base64'))
/** As `first` sealed 'hunter2' before values were bound to a place. */
const UNBOUND = '4bb06f8e.yoILnS9CB4VoB1IafLX9PReC3qcYsisbQ1QGwKnRW4HYLO4='
const [second, third] = [aKey(), aKey()] as const
const CONNECTIONS = 450
const signal = new AbortController().signal
const atTheStart: Pass = { isFirst: true, signal }
const later: Pass = { isFirst: false, signal }

function aKey(): Secret {
  return new Secret(randomBytes(32).toString('base64'))
}

async function aDatabase() {
  const databaseUrl = await freshDatabase()
  await migrate(new Secret(databaseUrl), quiet)
  const pool = new pg.Pool({ connectionString: databaseUrl })
  onTestFinished(() => pool.end())
  return pool
}

/** Every other one has a password, too. */
async function withConnections(box: SecretBox) {
  const pool = await aDatabase()
  for (let number = 0; number < CONNECTIONS; number++) {
    const id = `ws_${number}`
    await addConnection(pool, id, {
      signing: box.seal(`signing ${number}`, signingSecretPlace(id)),
      password: number % 2 ? box.seal(`password ${number}`, passwordPlace(id)) : null,
    })
  }
  return pool
}

async function addConnection(
  pool: pg.Pool,
  id: string,
  { signing, password }: { readonly signing: string; readonly password: string | null },
): Promise<void> {
  await pool.query(
    `insert into workspaces (id, timezone, default_country) values ($1, 'UTC', 'UA')`,
    [id],
  )
  await pool.query(
    `insert into connections (workspace_id, state, url, signing_secret_sealed, password_sealed)
     values ($1, 'connected', 'https://crm.example.com', $2, $3)`,
    [id, signing, password],
  )
}

async function sealedOf(pool: pg.Pool) {
  const { rows } = await pool.query<{ signing: string; password: string | null; version: string }>(
    `select signing_secret_sealed as signing, password_sealed as password, version
     from connections order by substr(workspace_id, 4)::int`,
  )
  return rows
}

/** One row of each table; where each value was sealed for, whoever reads it there. */
async function withOneOfEach(seal: (place: SealedPlace) => string) {
  const pool = await aDatabase()
  const [workspaceId, sourceId, sessionId, callId] = ['kyiv', 'src_1', 'ses_1', 'call_1'] as const
  const settings = settingsPlace({ workspaceId, id: sourceId })
  const places = {
    'connections.password_sealed': passwordPlace(workspaceId),
    'connections.signing_secret_sealed': signingSecretPlace(workspaceId),
    'connections.previous_secret_sealed': signingSecretPlace(workspaceId),
    'sources.settings_sealed': settings,
    'held_sessions.settings_sealed': settings,
    'held_legs.leg_sealed': legPlace({ workspaceId, sourceId, sessionId }),
    'recording_checks.event_sealed': recordingCheckPlace(callId),
  }
  await addConnection(pool, workspaceId, {
    signing: seal(places['connections.signing_secret_sealed']),
    password: seal(places['connections.password_sealed']),
  })
  await pool.query('update connections set previous_secret_sealed = $1', [
    seal(places['connections.previous_secret_sealed']),
  ])
  await pool.query(
    `insert into sources (id, workspace_id, provider, settings_sealed, token_hash)
     values ($1, $2, 'binotel', $3, sha256('src_1'))`,
    [sourceId, workspaceId, seal(settings)],
  )
  await pool.query(
    `insert into held_sessions (source_id, session_id, workspace_id, provider, settings_sealed,
       timezone, default_country, closed)
     values ($1, $2, $3, 'stream-telecom', $4, 'UTC', 'UA', false)`,
    [sourceId, sessionId, workspaceId, seal(settings)],
  )
  await pool.query(
    `insert into held_legs (source_id, session_id, leg_id, leg_sealed) values ($1, $2, '1', $3)`,
    [sourceId, sessionId, seal(places['held_legs.leg_sealed'])],
  )
  await pool.query(
    `insert into recording_checks (call_id, provider, event_sealed, due_at)
     values ($1, 'unitalk', $2, now())`,
    [callId, seal(places['recording_checks.event_sealed'])],
  )
  return { pool, places }
}

/** What a box that has only one key reads in each place. */
async function readAll(pool: pg.Pool, places: Readonly<Record<string, SealedPlace>>, key: Secret) {
  const box = createSecretBox(key)
  const read: Record<string, string> = {}
  for (const [name, place] of Object.entries(places)) {
    const [table, column] = name.split('.')
    const { rows } = await pool.query<{ sealed: string }>(
      `select ${column} as sealed from ${table}`,
    )
    const sealed = rows[0]?.sealed ?? ''
    read[name] =
      `${box.open(sealed, place)}, ${sealed.startsWith(box.prefix) ? 'bound' : 'unbound'}`
  }
  return read
}

const allAs = (places: object, text: string) =>
  Object.fromEntries(Object.keys(places).map((name) => [name, text]))

describe('a change of the key', () => {
  it('brings everything that lives long under the new one, once, with several replicas', async () => {
    const pool = await withConnections(createSecretBox(first))
    const box = createSecretBox(second, [first])

    await Promise.all([1, 2, 3].map(() => resealAll({ pool, box, logger: quiet }, atTheStart)))

    const found = await resealAll({ pool, box, logger: quiet }, atTheStart)
    expect(found.get('connections')).toEqual({
      current: CONNECTIONS * 1.5,
      previous: 0,
      missing: 0,
    })
    const newOnly = createSecretBox(second)
    const rows = await sealedOf(pool)
    expect(
      rows.map(({ signing }, number) => newOnly.open(signing, signingSecretPlace(`ws_${number}`))),
    ).toEqual(rows.map((_, number) => `signing ${number}`))
    expect(
      rows.map(
        ({ password }, number) => password && newOnly.open(password, passwordPlace(`ws_${number}`)),
      ),
    ).toEqual(rows.map((_, number) => (number % 2 ? `password ${number}` : null)))
    // No dispatcher has to read them again.
    expect(new Set(rows.map(({ version }) => version))).toEqual(new Set(['1']))
  })

  it('seals each value for the place that it is read in, bound before or not', async () => {
    const bound = await withOneOfEach((place) => createSecretBox(first).seal('hunter2', place))
    const unbound = await withOneOfEach(() => UNBOUND)
    const box = createSecretBox(second, [first])

    for (const { pool } of [bound, unbound]) {
      await resealAll({ pool, box, logger: quiet }, atTheStart)
    }

    const { places } = bound
    const kept = SEALED_COLUMNS.filter(({ rows }) => rows !== null)
    expect(kept.map(({ table, column }) => `${table}.${column}`)).toEqual(Object.keys(places))
    for (const { pool } of [bound, unbound]) {
      expect(await readAll(pool, places, second)).toEqual(allAs(places, 'hunter2, bound'))
    }
  })

  it('leaves alone what it cannot open, goes on with the rest, and tells how much is left', async () => {
    const pool = await withConnections(createSecretBox(first))
    const late = createSecretBox(third, [second])
    const sealed = createSecretBox(second).seal('signing 7', signingSecretPlace('ws_7'))
    const set = `update connections set signing_secret_sealed = $1 where workspace_id = $2`
    await pool.query(set, [sealed, 'ws_7'])
    await pool.query(set, [sealed.slice(0, 20), 'ws_8'])
    // Copied from the row of another workspace.
    await pool.query(set, [sealed, 'ws_9'])
    const before = await sealedOf(pool)
    const registry = new Registry()
    const resealing = startResealing({ pool, box: late, registry, clock, logger: quiet })
    onTestFinished(() => resealing.stop())

    await eventually(async () => {
      const text = await registry.metrics()
      const missing = CONNECTIONS * 1.5 - 3
      expect(text).toContain(
        `callwebhook_sealed_values{table="connections",key="missing"} ${missing}`,
      )
      expect(text).toContain('callwebhook_sealed_values{table="connections",key="current"} 1')
      expect(text).toContain('callwebhook_sealed_values{table="connections",key="previous"} 2')
    })

    const after = await sealedOf(pool)
    expect(late.open(after[7]?.signing ?? '', signingSecretPlace('ws_7'))).toBe('signing 7')
    expect(after.filter((_, number) => number !== 7)).toEqual(
      before.filter((_, number) => number !== 7),
    )
  })
})

describe('the command that seals everything now', () => {
  it('tells what somebody was changing all the time, and is done when nothing is left', async () => {
    const { pool, places } = await withOneOfEach((place) => createSecretBox(first).seal('x', place))
    const client = await pool.connect()
    await client.query('begin')
    await client.query('select from recording_checks for update')
    const options = { pool, box: createSecretBox(second, [first]), logger: quiet }

    const meanwhile = await resealNow(options)
    await client.query('commit')
    client.release()
    const afterwards = await resealNow(options)

    expect([meanwhile.isDone, afterwards.isDone]).toEqual([false, true])
    expect(meanwhile.lines.join('\n')).toMatch(/recording_checks +0 +1 +0/)
    expect(afterwards.lines.join('\n')).toMatch(/recording_checks +1 +0 +0/)
    expect(await readAll(pool, places, second)).toEqual(allAs(places, 'x, bound'))
  })
})

describe('a table that cannot be read', () => {
  it('leaves the others to be sealed anew and counted', async () => {
    const { pool, places } = await withOneOfEach((place) => createSecretBox(first).seal('x', place))
    await pool.query('alter table held_sessions rename to held_sessions_gone')

    const box = createSecretBox(second, [first])
    const found = await resealAll({ pool, box, logger: quiet }, atTheStart)

    expect([found.has('held_sessions'), found.has('held_legs')]).toEqual([false, false])
    expect(found.get('recording_checks')).toEqual({ current: 1, previous: 0, missing: 0 })
    const place = places['recording_checks.event_sealed']
    expect(await readAll(pool, { 'recording_checks.event_sealed': place }, second)).toEqual({
      'recording_checks.event_sealed': 'x, bound',
    })
  })
})

describe('rows that somebody is changing', () => {
  it('are waited for by nobody, and left to the next time', async () => {
    const pool = await withConnections(createSecretBox(first))
    const box = createSecretBox(second, [first])
    const client = await pool.connect()
    onTestFinished(() => client.release())
    await client.query('begin')
    await client.query(`select from connections where workspace_id = 'ws_7' for update`)

    const found = await resealAll({ pool, box, logger: quiet }, atTheStart)
    await client.query('commit')

    expect(found.get('connections')?.previous).toBe(2)
    const again = await resealAll({ pool, box, logger: quiet }, atTheStart)
    expect(again.get('connections')?.previous).toBe(0)
  })
})

describe('values of before, which name no place', () => {
  it('are sealed for their own from the second time on, when nobody is left who cannot open it', async () => {
    const { pool, places } = await withOneOfEach(() => UNBOUND)
    const options = { pool, box: createSecretBox(first), logger: quiet }

    await resealAll(options, atTheStart)
    expect(await readAll(pool, places, first)).toEqual(allAs(places, 'hunter2, unbound'))

    await resealAll(options, later)
    expect(await readAll(pool, places, first)).toEqual(allAs(places, 'hunter2, bound'))
  })
})
