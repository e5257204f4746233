import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import kafkajs, { type AclEntry } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readCallEventSchema } from '../../services/shared/call-event-codec.ts'
import { ConfigError, type KafkaConfig, RETRY_TIERS, Secret } from '../../services/shared/config.ts'
import { requireAccess } from '../../services/shared/kafka/access.ts'
import { requireRights } from '../../services/shared/kafka/require-rights.ts'
import type { RightsOwner } from '../../services/shared/kafka/rights.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { allTopics, topicNames } from '../../services/shared/kafka/topics.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { quiet } from '../support/builders.ts'
import { type DocumentedKafka, startDocumentedKafka } from '../support/documented-kafka.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { type Deed, deedOf, refusal } from '../support/kafka-deeds.ts'
import { aclsOf, commandOf, readPageCommands, topicOf } from '../support/page-commands.ts'
import { Product } from '../support/product.ts'
import { RegistryDoor } from '../support/registry-door.ts'
import type { User } from '../support/secure-kafka.ts'
import { freshDatabase, testStack } from '../support/stack.ts'

/**
 * A broker that asks everybody for a certificate and a password and allows nothing but what the page
 * "Production Kafka" allows: which permissions are needed, and what a service says without one. What
 * the services do with them is in `secure-kafka-deeds.test.ts`.
 */
const commands = readPageCommands()
const acls = commands.acls.flatMap(aclsOf)

let kafka: DocumentedKafka
let registry: RegistryDoor

beforeAll(async () => {
  registry = await new RegistryDoor(testStack().env.SCHEMA_REGISTRY_URL).start()
  kafka = await startDocumentedKafka(testStack().env)
}, 120_000)
afterAll(async () => {
  await kafka?.stop()
  await registry?.stop()
})

const configOf = (user: User) => kafka.configOf(user)
const clientOf = (user: User) => kafka.clientOf(user)

it('a service does not start with a wrong password: exit 78 and the variable', async () => {
  const wrong = { ...kafka.secure.env('console'), KAFKA_SASL_PASSWORD: 'mistyped' }
  const product = await Product.prepare({
    stack: testStack().env,
    databaseUrl: await freshDatabase(),
    topicPrefix: 'calls',
  })

  const told = await product.start('console', wrong).catch((error: Error) => error.message)

  expect(told).toContain('78')
  expect(told).toContain('KAFKA_SASL_PASSWORD: the broker refuses')
  expect(told).toContain(kafka.secure.broker)
  expect(told).not.toContain('mistyped')
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

  it('satisfy the job that makes topics, which makes one that is missing, by what its user may do', async () => {
    const topic = 'calls.retry.6h'
    await kafka.admin.deleteTopics({ topics: [topic] })
    await eventually(async () => expect(await kafka.admin.listTopics()).not.toContain(topic))
    const job = projectPath('dist', 'services', 'topics', 'main.js')

    const { stdout } = await promisify(execFile)(process.execPath, [job], {
      env: { ...kafka.env, ...kafka.secure.env('topics') },
    })

    expect(stdout).toContain('topics.ready')
    expect(await kafka.admin.listTopics()).toContain(topic)
  })
})

describe('the permissions of the page', () => {
  it.each<[User, Deed, string]>([
    ['normalizer', 'read', 'calls.catch-up'],
    ['normalizer', 'follow', 'calls.dispatcher'],
    ['dispatcher', 'read', 'calls.dead-letter'],
    ['console', 'read', 'calls.rejected'],
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
    'are all needed, and missed at start: %s',
    async (_words, acl) => {
      const user = acl.principal.replace('User:', '') as User
      const [deed, name] = deedOf(acl)
      // At first the coordinator of a group is still loading it.
      await eventually(async () => expect(await refusal(clientOf(user), deed, name)).toBeNull())

      await without([acl], async () => {
        await eventually(async () =>
          expect(await refusal(clientOf(user), deed, name)).not.toBeNull(),
        )
        if (!isOwner(user)) return
        // Where it may not see the topic any more, it cannot know what else it may do with it.
        await eventually(async () => {
          const granted = (await missedAtStart(user)).flatMap((said) => aclsOf(commandOf(said)))
          expect(granted).toContainEqual(acl)
          expect(new Set(granted.map(({ resourceName }) => resourceName)).size).toBe(1)
        })
      })
      if (isOwner(user)) await eventually(async () => expect(await missedAtStart(user)).toEqual([]))
    },
  )

  it('are asked for by each service at its start: exit 78 and the command', async () => {
    const product = await Product.prepare({
      stack: testStack().env,
      databaseUrl: await freshDatabase(),
      topicPrefix: 'calls',
      env: { TOPIC_PARTITIONS: '12' },
    })
    const names = ['normalizer', 'dispatcher', 'console'] as const
    const taken = names.map((name) => requireAcl(name))

    onTestFinished(() => product.stop())

    await without(taken, async () => {
      const told = await Promise.all(
        names.map((name) =>
          product
            .start(name, kafka.secure.env(name))
            .then(() => 'started')
            .catch((error: Error) => error.message),
        ),
      )

      for (const [index, text] of told.entries()) {
        expect(text).toContain('78')
        expect(text).toMatch(
          new RegExp(
            `kafka-acls.sh .* User:${names[index]} --operation Read .*--topic calls.events`,
          ),
        )
      }
    })
  })

  it('may come a moment later, and are no matter of brokers that are away or allow everything', async () => {
    const options = { logger: quiet }
    const later = await without([requireAcl('console')], async () => {
      await eventually(async () => expect(await missedAtStart('console')).not.toEqual([]))
      return { asked: requireRights(configOf('console'), 'console', options) }
    })
    const away = { ...configOf('console'), brokers: ['127.0.0.1:1'] }

    await expect(later.asked).resolves.toBeUndefined()
    for (const config of [away, kafkaConfigOf(kafka.env)]) {
      const asked = requireRights(config, 'console', { ...options, patienceMs: 0 })
      await expect(asked).resolves.toBeUndefined()
    }
  })
})

async function without<T>(taken: readonly AclEntry[], work: () => Promise<T>): Promise<T> {
  await kafka.admin.deleteAcls({ filters: [...taken] })
  try {
    return await work()
  } finally {
    await kafka.admin.createAcls({ acl: [...taken] })
  }
}

/** Reading of the events, which all three need. */
function requireAcl(user: User): AclEntry {
  const found = acls.find(
    ({ principal, operation, resourceName }) =>
      principal === `User:${user}` &&
      operation === kafkajs.AclOperationTypes.READ &&
      resourceName === 'calls.events',
  )
  if (!found) throw new Error(`the page lets ${user} read no events`)
  return found
}

function isOwner(user: User): user is User & RightsOwner {
  return user !== 'admin' && user !== 'data-team'
}

async function missedAtStart(owner: User & RightsOwner): Promise<readonly string[]> {
  const options = { logger: quiet, delays: RETRY_TIERS, patienceMs: 0 }
  const error = await requireRights(configOf(owner), owner, options).catch((e: unknown) => e)
  return error instanceof ConfigError ? error.problems : []
}

function wordsOf(acl: AclEntry): string {
  return `${acl.principal} ${deedOf(acl).join(' ')}`
}

describe('a client that a broker does not let in', () => {
  const TOLD_WITHIN_MS = 8_000
  const own = () => configOf('console')
  const open = () => kafkaConfigOf(kafka.env)
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
    const { broker } = kafka.secure
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
