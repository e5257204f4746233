import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { unpackDebianPackages } from '../../deploy/local/debian-packages.ts'
import { fetchedOnce } from '../../deploy/local/downloads.ts'
import type { Found } from '../../deploy/local/found.ts'
import type { PoolMode } from './conformance/pooler.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './product.ts'

export interface PgBouncer {
  /** Absolute, as is the folder of the libraries that it was built on. */
  readonly program: string
  readonly libraries: string
}

/** Out of Debian's packages, unpacked into `.local/servers/` and not installed; never throws. */
export function findPgBouncer(): Promise<Found<PgBouncer>> {
  return fetchedOnce('pgbouncer-debian', unpack, () => undefined).then(
    async (folder) => {
      const lib = join(folder, 'usr', 'lib')
      const [machine = ''] = (await readdir(lib)).filter((name) => name.includes('linux-gnu'))
      return { program: join(folder, 'usr', 'sbin', 'pgbouncer'), libraries: join(lib, machine) }
    },
    (error: Error) => ({ missing: error.message }),
  )
}

async function unpack(folder: string): Promise<void> {
  await unpackDebianPackages(folder, ['pgbouncer', 'libevent-2.1-7', 'libc-ares2'])
}

const SETTINGS: Readonly<Record<PoolMode, readonly string[]>> = {
  session: ['pool_mode = session'],
  'session, strict': ['pool_mode = session', 'ignore_startup_parameters ='],
  'transaction, last first': ['pool_mode = transaction'],
  'transaction, in turn': ['pool_mode = transaction', 'server_round_robin = 1'],
  'transaction, one session': ['pool_mode = transaction', 'default_pool_size = 1'],
  statement: ['pool_mode = statement'],
}
/** It does not run as root. */
const NOBODY = 65_534

/** In front of the database of `databaseUrl`; it ends with the test. */
export async function startPgBouncer(
  { program, libraries }: PgBouncer,
  { mode, databaseUrl }: { readonly mode: PoolMode; readonly databaseUrl: string },
): Promise<{ readonly url: string }> {
  const [port = 0] = await freePorts(1)
  const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl)
  const database = `dbname=${pathname.slice(1)} user=${username} password=${password}`
  const folder = await mkdtemp(join(tmpdir(), 'pgbouncer-'))
  const config = join(folder, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `db = host=${hostname} port=${serverPort} ${database}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'ignore_startup_parameters = statement_timeout',
    ...SETTINGS[mode],
  ]
  await writeFile(config, lines.join('\n'))
  await chmod(folder, 0o755)
  const isRoot = process.getuid?.() === 0
  const pooler = spawn(program, [config], {
    env: { LD_LIBRARY_PATH: libraries },
    stdio: 'ignore',
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  })
  const ended = once(pooler, 'exit')
  onTestFinished(async () => {
    pooler.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true })
  })
  await eventually(() => untilListening(port))
  return { url: `postgres://pooler:pooler-password@127.0.0.1:${port}/db` }
}

async function untilListening(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect').finally(() => socket.destroy())
}
