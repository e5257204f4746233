import pg from 'pg'
import type { Site } from '../drill/site.ts'
import { lastLineIn } from '../support/log-lines.ts'
import { callOf } from '../support/provider-calls.ts'
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
export function holdTables(site: Site, tables: string): Promise<Repair> {
  return leaveOpen(site, `begin; lock table ${tables} in access exclusive mode`)
}

/** Until transactions count as open for long on the pages; longer than some alerts take here. */
export const OPEN_FOR_LONG_MS = 35_000

/** Statements of somebody who begins a transaction and leaves it open. Answers how it is ended. */
export async function leaveOpen(site: Site, statements: string): Promise<Repair> {
  const client = new pg.Client({
    connectionString: site.product.env['DATABASE_URL'],
    application_name: 'somebody',
  })
  // It is ended from elsewhere: that is what the page is about.
  client.on('error', () => undefined)
  await client.connect()
  await client.query(statements)
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

/** One call of Phonet, of no sender. @throws unless its provider gets an OK. */
export async function sendOnce(webhookUrl: string): Promise<void> {
  const call = callOf('phonet', NUMBER_OF_NO_SENDER)
  const headers = { 'content-type': call.contentType }
  const url = `${webhookUrl}${call.path}`
  const { status } = await fetch(url, { method: 'POST', headers, body: call.body })
  if (status !== 200) throw new Error(`the call was answered with ${status}`)
}

const NUMBER_OF_NO_SENDER = 990_000_001

/** Newest line of a service's log with this event's name. @throws when there is none. */
export function lastLine(
  deployments: Deployments,
  name: 'normalizer' | 'dispatcher',
  msg: string,
): Readonly<Record<string, unknown>> {
  return lastLineIn(deployments.logFiles(name), msg)
}
