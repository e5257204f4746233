import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { readConfig } from '../../services/normalizer/config.ts'
import { type Entry, identityOf, sealEntry } from '../../services/normalizer/spool/entry.ts'
import type { CallEvent } from '../../services/shared/call-event.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { insertEntries } from '../../services/shared/postgres/spool.ts'
import { confirmRestore, saidByWaiting } from '../support/after-restore.ts'
import { aCallEvent, quiet } from '../support/builders.ts'
import { EventLog } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { LogView } from '../support/log-view.ts'
import { Product } from '../support/product.ts'
import { callOf } from '../support/provider-calls.ts'
import { Receiver } from '../support/receiver.ts'
import { freshPlace } from '../support/stack.ts'

const workspaceId = 'kyiv'
const path = `/v1/workspaces/${workspaceId}`

/** Of what a restore puts back; the marks are put back by hand, since one is made a minute. */
const TABLES = ['spool', 'spool_size', 'published_events', 'connections', 'gaps']

/**
 * Postgres is restored from a copy while services run. When it was taken a call waited in the spool; since
 * then that call and another one were delivered, the customer disconnected, and a third one came, which he got or not.
 * The steps are one story, each begins where the one before ended.
 */
describe('a database that is an older copy', () => {
  let product: Product
  let receiver: Receiver
  let webhookUrl: string
  let pool: Pool
  let normalizer: ServiceProcess
  let before: readonly string[]

  beforeAll(async () => {
    receiver = await new Receiver().start()
    const env = { TOPIC_PARTITIONS: '1', DISPATCHER_REQUEST_TIMEOUT_MS: '1000' }
    product = await Product.prepare({ ...(await freshPlace()), env })
    // A dispatcher wants the schema, which a normalizer registers; that one would empty the spool.
    await (await EventLog.open(product.env)).stop()
    await Promise.all([product.start('console'), product.start('dispatcher')])
    await product.connect(workspaceId, receiver.url(workspaceId))
    webhookUrl = await product.addSource(workspaceId, 'ringostat')
    const { databaseUrl } = readConfig(product.env)
    pool = createPool({ databaseUrl, applicationName: 'test', connectionsMax: 2, logger: quiet })
    await spool(aCallEvent(workspaceId, 'waited'))
    await copyTables()
    await product.start('normalizer')
    await untilDelivered(1)
    await send(2)
    await untilDelivered(2)
    await product.api('DELETE', `${path}/connection`)
    await send(3)
    await untilSettled()
    before = delivered()
    await restoreTables()
  })
  afterAll(async () => {
    await product.stop()
    await receiver.stop()
    await pool.end()
  })

  const view = () => new LogView(product.env)
  const logged = () => view().read(view().names.events)
  const delivered = () => receiver.delivered.map(({ event }) => event.providerCallId)
  const untilDelivered = (count: number) =>
    receiver.until(() => receiver.delivered.length === count, `${count} calls are delivered`)
  const untilSettled = () =>
    eventually(async () => {
      const records = await logged()
      expect(records).toHaveLength(3)
      expect(await view().unsettled(records)).toEqual([])
    })

  async function send(number: number): Promise<void> {
    const { path: behind, body, contentType } = callOf('ringostat', number)
    const headers = { 'content-type': contentType }
    const sent = await fetch(`${webhookUrl}${behind}`, { method: 'POST', headers, body })
    expect(sent.status).toBe(200)
  }

  /** As a normalizer does it while Kafka is away. */
  async function spool(event: CallEvent): Promise<void> {
    const { secretBox, spoolLimits: limits } = readConfig(product.env)
    const entry: Entry = { kind: 'event', event, fingerprint: null }
    const entrySealed = sealEntry(entry, secretBox)
    const row = { workspaceId, event: identityOf(entry), attemptedAt: null, onlyBehind: false }
    await insertEntries(pool, [{ ...row, entrySealed }], { limits, isWanted: () => true })
  }

  async function copyTables(): Promise<void> {
    const copies = TABLES.map((table) => `create table copy.${table} as table public.${table}`)
    await pool.query(['create schema copy', ...copies].join(';'))
  }

  /** In one transaction; the columns are the same. */
  async function restoreTables(): Promise<void> {
    const statements = TABLES.flatMap((table) => {
      const values = table === 'gaps' ? 'overriding system value' : ''
      return [
        `delete from public.${table}`,
        `insert into public.${table} ${values} table copy.${table}`,
      ]
    })
    const marks = [
      'delete from database_marks',
      `insert into database_marks (id, made_at) values (gen_random_uuid(), now() - interval '5 minutes')`,
    ]
    await pool.query([...statements, ...marks].join(';'))
  }

  const afterRestore = async (flag: string): Promise<string> =>
    (await confirmRestore(product.env, flag)).replace(/ +/g, ' ')

  it('is told by a service that starts, and nothing of it goes out', async () => {
    await product.stop()
    const [started] = await Promise.all([product.start('normalizer'), product.start('console')])
    normalizer = started

    const port = product.env['NORMALIZER_TELEMETRY_PORT']
    await eventually(async () => {
      const ready = await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()
      expect(ready).toEqual({ ok: true, degraded: ['postgres_restored'] })
    })
    expect(await saidByWaiting(product)).toMatch(
      /503 .*postgres_restored.*npm run after-restore -- --postgres/,
    )
    expect(await logged()).toHaveLength(3)
    expect(delivered()).toEqual(before)
  })

  it('is confirmed by a command, which leaves a gap for what nobody knows', async () => {
    const said = await afterRestore('--postgres')

    expect(said).toContain('1 entries of the spool are looked for in the log')
    expect(said).toContain(`3 ${workspaceId} `)
    const { items } = await product.api<{ items: unknown[] }>('GET', `${path}/gaps`)
    expect(items).toMatchObject([{ reason: 'restored', backfilledAt: null }])
    expect(await afterRestore('--postgres')).toContain('nothing_to_confirm')
  })

  it('does not send again what had gone out, and what comes is delivered', async () => {
    // By itself it looks again within 20 s.
    await normalizer.stop()
    await Promise.all([product.start('dispatcher'), product.start('normalizer')])
    await send(4)

    await eventually(async () => {
      const { rows } = await pool.query('select entries::int from spool_size')
      expect(rows).toEqual([{ entries: 0 }])
    })
    await untilDelivered(before.length + 1)
    expect(await logged()).toHaveLength(4)
    expect(delivered()).toEqual([...before, callOf('ringostat', 4).id])
  })
})
