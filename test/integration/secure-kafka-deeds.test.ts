import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceName } from '../../deploy/local/profiles.ts'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { readConfig } from '../../services/normalizer/config.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { settingsPlace } from '../../services/shared/sealed-places.ts'
import { type DocumentedKafka, startDocumentedKafka } from '../support/documented-kafka.ts'
import { knock, postRaw } from '../support/door.ts'
import { eventually } from '../support/eventually.ts'
import { Product } from '../support/product.ts'
import { callOf } from '../support/provider-calls.ts'
import { answer, failFirst, Receiver } from '../support/receiver.ts'
import { RegistryDoor } from '../support/registry-door.ts'
import { freshDatabase, testStack, withoutPostgres } from '../support/stack.ts'
import { binotelCall } from '../support/traffic.ts'

/**
 * Everything that the services ever do with Kafka, on a broker that asks everybody for a certificate
 * and a password and allows nothing but what the page "Production Kafka" allows, word by word; and a
 * registry behind TLS and a login. What is needed after an outage only is missed in an outage only,
 * so the outages are here as well.
 */
const WORKSPACES = ['retried', 'dead'] as const
/** What is kept is settled 5.5 s after it came. */
const BROUGHT_IN_WITHIN_MS = 40_000

const receiver = new Receiver()
const hooks = new Map<string, string>()
const stack = testStack()
let kafka: DocumentedKafka
let registry: RegistryDoor
let product: Product
let database: pg.Pool
let dispatcher: ServiceProcess

const start = (name: ServiceName) => product.start(name, kafka.secure.env(name))

beforeAll(async () => {
  registry = await new RegistryDoor(stack.env.SCHEMA_REGISTRY_URL).start()
  kafka = await startDocumentedKafka(stack.env)
  await receiver.start()
  product = await Product.prepare({
    stack: stack.env,
    databaseUrl: await freshDatabase(),
    topicPrefix: 'calls',
    env: {
      TOPIC_PARTITIONS: '12',
      DISPATCHER_RETRY_TIERS: '5s',
      NORMALIZER_PUBLISH_TIMEOUT_MS: '1000',
      ...registry.env,
    },
  })
  database = new pg.Pool({ connectionString: product.env['DATABASE_URL'] })
  // Whoever is idle when Postgres is stopped; the next query connects anew.
  database.on('error', () => {})
  const started = await Promise.all([start('dispatcher'), start('normalizer'), start('console')])
  dispatcher = started[0]
  for (const workspaceId of WORKSPACES) {
    await product.connect(workspaceId, receiver.url(workspaceId))
    hooks.set(workspaceId, await product.addSource(workspaceId, 'binotel'))
  }
  receiver.script('retried', failFirst(1))
  receiver.script('dead', () => answer(503))
}, 180_000)

afterAll(async () => {
  await product?.stop()
  await database?.end()
  await receiver.stop()
  await kafka?.stop()
  await registry?.stop()
})

interface Listed {
  readonly items: readonly { readonly eventId: string }[]
}
const get = (path: string) => product.api<Listed>('GET', `/v1/workspaces/${path}`)
const count = (workspaceId: string) => receiver.of(workspaceId).length
const hookOf = (workspaceId: string) => hooks.get(workspaceId) ?? ''

async function spooled(): Promise<number> {
  const { rows } = await database.query<{ entries: string }>('select entries from spool_size')
  return Number(rows[0]?.entries)
}

describe('with the documented rights', () => {
  it('a call is delivered after a retry, and one that nobody takes is buried', async () => {
    for (const [index, hook] of [...hooks.values()].entries()) {
      expect((await knock(hook, binotelCall(`71000000${index}`))).status).toBe(200)
    }

    await receiver.until(() => count('retried') === 2, 'the retry arrives')
    await eventually(async () => expect((await get('dead/dead-letters')).items).toHaveLength(1))

    expect(receiver.delivered.map(({ workspaceId, attempt }) => [workspaceId, attempt])).toEqual([
      ['retried', 2],
    ])
  })

  it('the console shows calls of the log, and looks one up', async () => {
    const [call] = (await get('retried/calls')).items

    const shown = await product.api<{ request: object }>(
      'GET',
      `/v1/workspaces/retried/events/${call?.eventId}`,
    )

    expect(shown.request).toBeInstanceOf(Object)
  })

  it('dispatchers go back in the log for a back-fill', async () => {
    const before = count('retried')
    const [since, until] = [-600_000, 1_000].map((ms) => new Date(Date.now() + ms).toISOString())

    await product.api('POST', '/v1/workspaces/retried/backfills', { since, until, mode: 'all' })
    await receiver.until(() => count('retried') > before, 'the back-fill arrives')

    expect(receiver.of('retried').at(-1)?.headers['webhook-replay']).toBe('true')
  })

  it('a dead letter is sent again', async () => {
    const [letter] = (await get('dead/dead-letters')).items
    receiver.script('dead', () => answer(200))
    const before = count('dead')

    const path = `/v1/workspaces/dead/dead-letters/${letter?.eventId}/resend`
    await product.api('POST', path)
    await receiver.until(() => count('dead') > before, 'the dead letter arrives')

    expect(receiver.of('dead').at(-1)?.event.eventId).toBe(letter?.eventId)
  })

  it('the spool is drained after a broker did not answer in time, and the call comes once', async () => {
    receiver.script('retried', () => answer(200))
    const first = count('retried')
    // Over a connection that is open: what could not be sent at all is surely not in the log.
    await knock(hookOf('retried'), binotelCall('710000009'))
    await receiver.until(() => count('retried') > first, 'the call before arrives')
    const before = count('retried')

    const frozen = await kafka.secure.whileFrozen(async () => {
      const { status } = await knock(hookOf('retried'), binotelCall('710000010'))
      return { status, spooled: await spooled() }
    })
    // It has to ask the log whether the call is in it: `Read` on the events.
    await eventually(async () => expect(await spooled()).toBe(0), 30_000)
    await receiver.until(() => count('retried') > before, 'the spooled call arrives')
    await knock(hookOf('retried'), binotelCall('710000011'))
    await receiver.until(() => count('retried') > before + 1, 'the next call arrives')

    expect(frozen).toEqual({ status: 200, spooled: 1 })
    expect(count('retried')).toBe(before + 2)
  })

  it('what was kept while Postgres was away is brought in', async () => {
    const unseen = await product.addSource('retried', 'binotel')
    const before = count('retried')

    const status = await withoutPostgres(
      stack,
      async () => (await knock(unseen, binotelCall('710000020'))).status,
    )
    await receiver.until(() => count('retried') > before, 'it arrives', BROUGHT_IN_WITHIN_MS)

    expect(status).toBe(200)
  }, 90_000)

  it('renormalize reads what was rejected, and publishes what can be read now', async () => {
    const since = new Date(Date.now() - 600_000).toISOString()
    const hook = await product.addSource('retried', 'ringostat', { projectId: '999' })
    const call = callOf('ringostat', 77)
    const ofAnother = JSON.stringify({ ...JSON.parse(call.body), project_id: '110070' })
    const rejected = await postRaw(`${hook}${call.path}`, ofAnother, call.contentType)
    await setProject('110070')
    const before = count('retried')

    const program = projectPath('dist', 'services', 'normalizer', 'renormalize.js')
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--since', since], {
      env: { ...product.env, ...kafka.secure.env('normalizer') },
      cwd: projectPath(),
    })
    await receiver.until(() => count('retried') > before, 'the published call arrives')

    expect(rejected.status).toBe(422)
    expect(stdout.replace(/ +/g, ' ')).toContain('1 account_mismatch ringostat published')
  })

  it('another dispatcher goes on with a lane that the one before has parked', async () => {
    receiver.script('retried', () => answer(503))
    const before = count('retried')
    await knock(hookOf('retried'), binotelCall('710000030'))
    await receiver.until(() => count('retried') > before, 'the first attempt')
    receiver.script('retried', () => answer(200))

    await dispatcher.stop()
    await start('dispatcher')

    await receiver.until(() => count('retried') > before + 1, 'the second attempt')
    expect((await get('retried/dead-letters')).items).toEqual([])
  })
})

/** Of the only Ringostat source. */
async function setProject(projectId: string): Promise<void> {
  const { rows } = await database.query<{ workspaceId: string; id: string }>(
    `select workspace_id as "workspaceId", id from sources where provider = 'ringostat'`,
  )
  const [source] = rows
  if (!source) throw new Error('no Ringostat source')
  const { secretBox } = readConfig({ ...product.env, ...kafka.secure.env('normalizer') })
  const sealed = secretBox.seal(JSON.stringify({ projectId }), settingsPlace(source))
  const values = [sealed, source.id]
  await database.query('update sources set settings_sealed = $1 where id = $2', values)
}
