import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { ServiceName, StackEnvironment } from '../../deploy/local/profiles.ts'
import { SERVICE_NAMES } from '../../deploy/local/profiles.ts'
import { createDatabase } from '../support/create-database.ts'
import { type DocumentedKafka, startDocumentedKafka } from '../support/documented-kafka.ts'
import { type Cluster, createCluster } from '../support/kubectl.ts'
import { LoadBalancer } from '../support/load-balancer.ts'
import { OPERATOR_TOKEN, type Product } from '../support/product.ts'
import { type Fleet, startFleet } from './fleet.ts'
import type { Ground } from './site.ts'

/**
 * Where secrets are changed: services that can be replaced under load, with secrets of their own; a
 * role of Postgres that owns their database and may nothing else; and, where it is about Kafka, a
 * broker that asks everybody for a certificate and a password.
 */
export interface Premises {
  readonly stack: StackEnvironment
  readonly databaseUrl: string
  /** Null: one of the scene's own. */
  readonly topicPrefix: string | null
  /** Of all services. */
  readonly env: Readonly<Record<string, string>>
  readonly consoleUrl: string
  readonly kafka: DocumentedKafka | null
  start(product: Product): Promise<Staffed>
  stop(): Promise<void>
}

/** Premises in which the services run. */
export interface Staffed {
  readonly fleet: Fleet
  readonly cluster: Cluster
}

export const OWNER = 'call_webhook'

type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>

export async function openPremises(
  { profile, stack }: Ground,
  needs: { readonly kafka: 'open' | 'documented' },
): Promise<Premises> {
  const kafka = needs.kafka === 'open' ? null : await startDocumentedKafka(stack.env, profile)
  const balancers = { normalizer: await LoadBalancer.start(), console: await LoadBalancer.start() }
  const databaseUrl = await createOwnedDatabase(stack.env.DATABASE_URL)
  const env = {
    ...kafka?.secure.env('admin'),
    TOPIC_PARTITIONS: kafka?.env['TOPIC_PARTITIONS'] ?? '6',
    SECRETS_KEY: randomBytes(32).toString('base64'),
    NORMALIZER_PUBLIC_URL: balancers.normalizer.url,
  }
  const secrets = secretsAtFirst({ ...env, DATABASE_URL: databaseUrl }, kafka)
  return {
    stack: stack.env,
    databaseUrl,
    topicPrefix: kafka?.env['TOPIC_PREFIX'] ?? null,
    env,
    consoleUrl: balancers.console.url,
    kafka,
    start: (product) => staff(product, secrets, balancers),
    async stop() {
      await Promise.all(Object.values(balancers).map((balancer) => balancer.stop()))
      await kafka?.stop()
    },
  }
}

async function staff(
  product: Product,
  secrets: Secrets,
  balancers: Readonly<Partial<Record<ServiceName, LoadBalancer>>>,
): Promise<Staffed> {
  const cluster: Cluster = createCluster({
    secrets,
    roll: (service) => fleet.roll(service),
    exec: (service, words) => fleet.exec(service, words),
  })
  const fleet = await startFleet({ product, balancers, secretsOf: cluster.secretsOf })
  return { fleet, cluster }
}

function secretsAtFirst(
  { DATABASE_URL, SECRETS_KEY }: { readonly DATABASE_URL: string; readonly SECRETS_KEY: string },
  kafka: DocumentedKafka | null,
): Secrets {
  const login = (service: ServiceName) =>
    kafka === null
      ? {}
      : { KAFKA_SASL_USERNAME: service, KAFKA_SASL_PASSWORD: kafka.secure.password(service) }
  const ofEach = SERVICE_NAMES.map((name) => [
    `call-webhook-${name}`,
    { ...login(name), ...(name === 'console' ? { OPERATOR_TOKEN } : {}) },
  ])
  return { 'call-webhook': { DATABASE_URL, SECRETS_KEY }, ...Object.fromEntries(ofEach) }
}

/** Migrations run as this role, so that nothing asks for more than it has. */
async function createOwnedDatabase(adminUrl: string): Promise<string> {
  const databaseUrl = new URL(await createDatabase(adminUrl))
  const password = randomBytes(12).toString('hex')
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [OWNER])
    // The scene before may have left it, with another password or with none.
    await client.query(
      `${rowCount ? 'alter' : 'create'} role ${OWNER} login password '${password}'`,
    )
    const database = client.escapeIdentifier(databaseUrl.pathname.slice(1))
    await client.query(`alter database ${database} owner to ${OWNER}`)
  } finally {
    await client.end()
  }
  databaseUrl.username = OWNER
  databaseUrl.password = password
  return databaseUrl.href
}
