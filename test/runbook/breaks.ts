import { readFileSync } from 'node:fs'
import pg from 'pg'
import type { Site } from '../drill/site.ts'
import { type Behaviour, OK } from '../support/receiver.ts'
import type { Deployments } from './deployments.ts'
import type { Repair } from './incident.ts'

/** Ways to break something that several incidents share. */

/** From the next request on, the endpoints of these workspaces do this. Answers how they are mended. */
export function endpointsDo(
  { receiver }: Site,
  workspaceIds: readonly string[],
  behaviour: Behaviour,
): Repair {
  const set = (to: Behaviour) => {
    for (const id of workspaceIds) receiver.script(id, () => to)
  }
  set(behaviour)
  return async () => set(OK)
}

/** Somebody's transaction that was left open and holds tables. Answers how it is ended. */
export async function holdTables(site: Site, tables: string): Promise<Repair> {
  const client = new pg.Client({
    connectionString: site.product.env['DATABASE_URL'],
    application_name: 'somebody',
  })
  // It is ended from elsewhere: that is what the page is about.
  client.on('error', () => undefined)
  await client.connect()
  await client.query(`begin; lock table ${tables} in access exclusive mode`)
  return () => client.end().catch(() => undefined)
}

/** One statement as the database's owner. */
export async function sql<T extends pg.QueryResultRow>(
  { product }: Site,
  statement: string,
): Promise<readonly T[]> {
  const client = new pg.Client({ connectionString: product.env['DATABASE_URL'] })
  await client.connect()
  try {
    return (await client.query<T>(statement)).rows
  } finally {
    await client.end()
  }
}

/** Newest line of a service's log with this event's name. @throws when there is none. */
export function lastLine(
  deployments: Deployments,
  name: 'normalizer' | 'dispatcher',
  msg: string,
): Readonly<Record<string, unknown>> {
  const line = deployments
    .logFiles(name)
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .findLast((each) => each.includes(`"msg":"${msg}"`))
  if (line === undefined) throw new Error(`the ${name} has not said ${msg}`)
  return JSON.parse(line) as Record<string, unknown>
}
