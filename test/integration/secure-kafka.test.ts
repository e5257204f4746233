import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { AclEntry, Admin, Kafka } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCallEventSchema } from '../../services/shared/call-event-codec.ts'
import { ConfigError, type KafkaConfig, RETRY_TIERS, Secret } from '../../services/shared/config.ts'
import { requireAccess } from '../../services/shared/kafka/access.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { allTopics, ensureTopics, topicNames } from '../../services/shared/kafka/topics.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { quiet } from '../support/builders.ts'
import { knock, postRaw } from '../support/door.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { type Deed, deedOf, refusal } from '../support/kafka-deeds.ts'
import { aclsOf, readPageCommands, topicOf } from '../support/page-commands.ts'
import { Product } from '../support/product.ts'
import { answer, failFirst, Receiver } from '../support/receiver.ts'
import { RegistryDoor } from '../support/registry-door.ts'
import { SecureKafka, type User } from '../support/secure-kafka.ts'
import { freshDatabase, testStack } from '../support/stack.ts'
import { binotelCall } from '../support/traffic.ts'

/**
 * The services on a broker that asks everybody for a certificate and a password and allows nothing
 * but what the page "Production Kafka" allows, word by word; and a registry behind TLS and a login.
 */
const commands = readPageCommands()
const acls = commands.acls.flatMap(aclsOf)

let secure: SecureKafka
let registry: RegistryDoor
let admin: Admin

const env = () => ({ ...testStack().env, TOPIC_PREFIX: 'calls', TOPIC_PARTITIONS: '12' })
const configOf = (user: User): KafkaConfig => ({ ...kafkaConfigOf(env()), ...secure.config(user) })
const clientOf = (user: User): Kafka => createKafka(configOf(user), user, quiet)

beforeAll(async () => {
  registry = await new RegistryDoor(testStack().env.SCHEMA_REGISTRY_URL).start()
  secure = await SecureKafka.start()
  admin = clientOf('admin').admin()
  await admin.connect()
  await ensureTopics(admin, commands.topics.map(topicOf))
  await admin.createAcls({ acl: acls })
  // The broker has taken them, and heeds them once it is through with opening all those partitions.
  await eventually(async () =>
    expect(await refusal(clientOf('data-team'), 'read', 'calls.events')).toBeNull(),
  )
}, 120_000)
afterAll(async () => {
  await admin?.disconnect()
  await secure?.stop()
  await registry?.stop()
})

describe('the product on a broker that denies by default', () => {
  const receiver = new Receiver()
  const hooks = new Map<string, string>()
  let product: Product

  beforeAll(async () => {
    await receiver.start()
    product = await Product.prepare({
      stack: testStack().env,
      databaseUrl: await freshDatabase(),
      topicPrefix: 'calls',
      env: { TOPIC_PARTITIONS: '12', DISPATCHER_RETRY_TIERS: '5s', ...registry.env },
    })
    await Promise.all(
      (['normalizer', 'dispatcher', 'console'] as const).map((name) =>
        product.start(name, secure.env(name)),
      ),
    )
    for (const workspaceId of ['retried', 'dead']) {
      await product.connect(workspaceId, receiver.url(workspaceId))
      hooks.set(workspaceId, await product.addSource(workspaceId, 'binotel'))
    }
    receiver.script('retried', failFirst(1))
    receiver.script('dead', () => answer(503))
  }, 120_000)
  afterAll(async () => {
    await product?.stop()
    await receiver.stop()
  })

  const get = (path: string) => product.api<{ items: unknown[] }>('GET', `/v1/workspaces/${path}`)

  it('delivers a call after a retry, and buries one that nobody takes', async () => {
    for (const [index, hook] of [...hooks.values()].entries()) {
      expect((await knock(hook, binotelCall(`71000000${index}`))).status).toBe(200)
    }

    await receiver.until(() => receiver.of('retried').length === 2, 'the retry arrives', 30_000)
    await eventually(async () => expect((await get('dead/dead-letters')).items).toHaveLength(1))

    expect(receiver.delivered.map(({ workspaceId, attempt }) => [workspaceId, attempt])).toEqual([
      ['retried', 2],
    ])
  })

  it('keeps what it cannot read in calls.rejected', async () => {
    const answered = await postRaw(hooks.get('dead') ?? '', '{', 'application/json')

    expect(answered.status).toBe(422)
  })

  it('shows calls in the log, and sends them again on demand', async () => {
    expect((await get('retried/calls')).items).toHaveLength(1)

    const range = { since: new Date(Date.now() - 600_000).toISOString() }
    const until = new Date(Date.now() + 1_000).toISOString()
    await product.api('POST', '/v1/workspaces/retried/backfills', { ...range, until, mode: 'all' })
    await receiver.until(() => receiver.of('retried').length === 3, 'the back-fill', 30_000)

    expect(receiver.of('retried')[2]?.headers['webhook-replay']).toBe('true')
  })

  it('does not start with a wrong password: exit 78 and the variable', async () => {
    const wrong = { ...secure.env('console'), KAFKA_SASL_PASSWORD: 'mistyped' }
    const other = await Product.prepare({
      stack: testStack().env,
      databaseUrl: product.env['DATABASE_URL'] ?? '',
      topicPrefix: 'calls',
    })

    const told = await other.start('console', wrong).catch((error: Error) => error.message)

    expect(told).toContain('78')
    expect(told).toContain('KAFKA_SASL_PASSWORD: the broker refuses')
    expect(told).toContain(secure.broker)
    expect(told).not.toContain('mistyped')
  })
})

describe('the topics of the page', () => {
  it('are those of the default configuration', () => {
    const byName = (one: { topic: string }, other: { topic: string }) =>
      one.topic.localeCompare(other.topic)
    const wanted = allTopics(topicNames('calls'), 12, RETRY_TIERS).map(
      ({ topic, partitions, config }) => ({ topic, partitions, config }),
    )

    expect(commands.topics.map(topicOf).toSorted(byName)).toEqual(wanted.toSorted(byName))
  })

  it('satisfy the job that makes topics, by what its user may do', async () => {
    const job = projectPath('dist', 'services', 'topics', 'main.js')
    const { stdout } = await promisify(execFile)(process.execPath, [job], {
      env: { ...env(), ...secure.env('topics') },
    })

    expect(stdout).toContain('topics.ready')
  })
})

describe('the permissions of the page', () => {
  it.each<[User, Deed, string]>([
    ['normalizer', 'read', 'calls.events'],
    ['normalizer', 'write', 'calls.catch-up'],
    ['normalizer', 'write', 'calls.dead-letter'],
    ['dispatcher', 'write', 'calls.events'],
    ['dispatcher', 'write', 'calls.rejected'],
    ['dispatcher', 'read', 'calls.rejected'],
    ['console', 'write', 'calls.events'],
    ['console', 'write', 'calls.dead-letter'],
    ['console', 'write', 'calls.retry.5s'],
    ['console', 'follow', 'calls.dispatcher'],
    ['topics', 'read', 'calls.events'],
    ['topics', 'write', 'calls.events'],
    ['topics', 'create', 'other'],
    ['data-team', 'write', 'calls.events'],
    ['data-team', 'write', 'calls.catch-up'],
    ['data-team', 'read', 'calls.rejected'],
    ['data-team', 'follow', 'calls.dispatcher'],
  ])('do not let the %s %s %s', async (user, deed, name) => {
    expect(await refusal(clientOf(user), deed, name)).not.toBeNull()
  })

  it.each(acls.map((acl) => [wordsOf(acl), acl] as const))(
    'are all needed: %s',
    async (_words, acl) => {
      const user = acl.principal.replace('User:', '') as User
      const [deed, name] = deedOf(acl)
      // At first the coordinator of a group is still loading it.
      await eventually(async () => expect(await refusal(clientOf(user), deed, name)).toBeNull())

      await admin.deleteAcls({ filters: [acl] })
      try {
        await eventually(async () =>
          expect(await refusal(clientOf(user), deed, name)).not.toBeNull(),
        )
      } finally {
        await admin.createAcls({ acl: [acl] })
      }
    },
  )
})

function wordsOf(acl: AclEntry): string {
  return `${acl.principal} ${deedOf(acl).join(' ')}`
}

describe('a client that a broker does not let in', () => {
  const TOLD_WITHIN_MS = 8_000
  const own = () => configOf('console')
  const open = () => kafkaConfigOf(env())
  const withSasl = (changed: object) => ({ ...own(), sasl: { ...own().sasl, ...changed } })

  it.each<[string, () => object, string]>([
    ['a wrong password', () => withSasl({ password: new Secret('mistyped') }), 'KAFKA_SASL_PASSW'],
    ['an unknown user', () => withSasl({ username: 'stranger' }), 'KAFKA_SASL_USERNAME'],
    ['another mechanism', () => withSasl({ mechanism: 'scram-sha-256' }), 'KAFKA_SASL_MECHANISM'],
    ['no login', () => ({ ...own(), sasl: null }), 'KAFKA_SASL_MECHANISM'],
    ['no TLS', () => ({ ...own(), tls: null }), 'KAFKA_SSL'],
    [
      'no trust in the authority',
      () => ({ ...own(), tls: { ...own().tls, ca: null } }),
      'KAFKA_SSL_CA:',
    ],
    [
      'no certificate of its own',
      () => ({ ...own(), tls: { ...own().tls, own: null } }),
      'KAFKA_SSL_CERT',
    ],
    ['TLS where there is none', () => ({ ...open(), tls: own().tls }), 'KAFKA_SSL'],
    ['a login where there is none', () => ({ ...open(), sasl: own().sasl }), 'takes no login'],
  ])('is told so at once: %s', async (_what, config, words) => {
    const began = Date.now()

    const error = await requireAccess(config() as KafkaConfig, 'test').catch((e: unknown) => e)

    expect(error).toBeInstanceOf(ConfigError)
    const { message } = error as ConfigError
    expect(message).toContain(words)
    expect(message).toMatch(/\(127\.0\.0\.1:\d+\)$/)
    expect(message).not.toContain('mistyped')
    expect(Date.now() - began).toBeLessThan(TOLD_WITHIN_MS)
  })

  it('goes on when one broker of the list lets it in, or when none is there to ask', async () => {
    const { broker } = secure
    const away = '127.0.0.1:1'

    await expect(
      requireAccess({ ...own(), brokers: [away, broker] }, 'test'),
    ).resolves.toBeUndefined()
    await expect(requireAccess({ ...own(), brokers: [away] }, 'test')).resolves.toBeUndefined()
  })

  it('of the registry learns which variable is wrong, and no secret is repeated', async () => {
    const url = registry.url
    const login = { username: RegistryDoor.USERNAME, password: new Secret('mistyped') }
    const { ca } = configOf('console').tls ?? { ca: null }
    const told = (config: object) =>
      createCallEventRegistry({ url, login, ca, ...config })
        .register('calls.events', readCallEventSchema())
        .catch((error: Error) => error.message)

    expect(await told({})).toContain('check SCHEMA_REGISTRY_USERNAME')
    expect(await told({})).not.toContain('mistyped')
    expect(await told({ ca: null })).toContain('SCHEMA_REGISTRY_CA')
  })
})
