import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { StackEnvironment } from '../../deploy/local/profiles.ts'
import { type NormalizerConfig, readConfig } from '../../services/normalizer/config.ts'
import { startNormalizer } from '../../services/normalizer/normalizer.ts'
import { hashToken, newToken } from '../../services/shared/access-token.ts'
import type { CallEvent, ProviderName } from '../../services/shared/call-event.ts'
import {
  createCallEventEncoder,
  readCallEventSchema,
} from '../../services/shared/call-event-codec.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { startLogProducer } from '../../services/shared/kafka/producer.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import {
  eventsTopic,
  prepareTopics,
  rejectedTopic,
  type TopicNames,
  topicNames,
} from '../../services/shared/kafka/topics.ts'
import { insertAccessToken } from '../../services/shared/postgres/access-tokens.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { insertSource } from '../../services/shared/postgres/sources.ts'
import { settingsPlace } from '../../services/shared/sealed-places.ts'
import { newSourceId } from '../../services/shared/source-token.ts'
import { LogView, type StoredRecord } from './log-view.ts'
import { readLoggedEvents } from './logged-calls.ts'
import { quiet } from './normalizer-fakes.ts'
import { freshDatabase, freshPrefix } from './stack.ts'

/** Normalizers on the real stack, as many replicas as a test wants, and what they wrote. */
export class NormalizerBench {
  readonly pool: Pool
  /** For a process of the normalizer. */
  readonly env: Readonly<Record<string, string>>
  readonly names: TopicNames
  readonly config: NormalizerConfig
  readonly #view: LogView
  readonly #stops: (() => Promise<unknown>)[] = []

  private constructor(env: Readonly<Record<string, string>>, config: NormalizerConfig, pool: Pool) {
    this.env = env
    this.config = config
    this.pool = pool
    this.names = topicNames(config.kafka.topicPrefix)
    this.#view = new LogView(env)
  }

  /** On a database and topics of its own. */
  static async open(
    stack: StackEnvironment,
    changed: Readonly<Record<string, string>> = {},
  ): Promise<NormalizerBench> {
    const env = {
      ...stack,
      SECRETS_KEY: randomBytes(32).toString('base64'),
      DATABASE_URL: await freshDatabase(),
      TOPIC_PREFIX: freshPrefix(),
      TOPIC_PARTITIONS: '1',
      NORMALIZER_UNKNOWN_TOKENS_PER_MINUTE: '5',
      ...changed,
    }
    const config = readConfig(env)
    const { databaseUrl, kafka } = config
    await migrate(databaseUrl, quiet)
    const applicationName = 'test'
    const pool = createPool({ databaseUrl, applicationName, connectionsMax: 10, logger: quiet })
    const bench = new NormalizerBench(env, config, pool)
    const { partitions } = kafka
    await prepareTopics(createKafka(kafka, 'test', quiet), [
      eventsTopic(bench.names, partitions),
      rejectedTopic(bench.names, partitions),
    ])
    await pool.query(`insert into workspaces (id, timezone, default_country) values
      ('ws_1', 'Europe/Kyiv', 'UA'), ('ws_2', 'Europe/Kyiv', 'UA')`)
    return bench
  }

  /** Base address of another replica. */
  async start(): Promise<string> {
    const config = this.config
    const kafka = createKafka(config.kafka, 'normalizer', quiet)
    const timeoutMs = config.publishTimeoutMs
    const producer = await startLogProducer({
      kafka,
      logger: quiet,
      partitions: config.kafka.partitions,
      timeoutMs,
      whileAway: 'refuse',
    })
    const schema = readCallEventSchema()
    const id = await createCallEventRegistry(config.kafka.registry).register(
      this.names.events,
      schema,
    )
    const normalizer = await startNormalizer({
      config,
      pool: this.pool,
      kafka,
      producer,
      encoder: createCallEventEncoder(schema, id),
      topics: this.names,
      restores: { isClearNow: async () => true, unconfirmed: [] },
      clock: systemClock,
      logger: quiet,
    })
    await normalizer.app.listen({ port: 0, host: '127.0.0.1' })
    this.#stops.push(async () => {
      await normalizer.app.close()
      await normalizer.stop()
      await producer.stop()
    })
    return `http://127.0.0.1:${(normalizer.app.server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()))
    await this.pool.end()
  }

  /** Path of a new source's webhook. */
  async addSource(provider: ProviderName, settings: object = {}): Promise<string> {
    const source = { id: newSourceId(), workspaceId: 'ws_1', provider }
    const token = this.config.sourceTokens.issue(source)
    await insertSource(this.pool, {
      ...source,
      label: null,
      settingsSealed: this.config.secretBox.seal(JSON.stringify(settings), settingsPlace(source)),
      tokenHash: hashToken(token),
    })
    return `/hooks/${provider}/${token}`
  }

  /** Changes the settings of all sources of a provider. */
  async setSettings(provider: ProviderName, settings: object): Promise<void> {
    const { rows } = await this.pool.query<{ workspaceId: string; id: string }>(
      'select workspace_id as "workspaceId", id from sources where provider = $1',
      [provider],
    )
    for (const row of rows) {
      const sealed = this.config.secretBox.seal(JSON.stringify(settings), settingsPlace(row))
      await this.pool.query('update sources set settings_sealed = $1 where id = $2', [
        sealed,
        row.id,
      ])
    }
  }

  async addToken(workspaceId: string): Promise<string> {
    const token = newToken('cwt_')
    await insertAccessToken(this.pool, {
      tokenHash: hashToken(token),
      workspaceId,
      label: null,
      validSeconds: null,
    })
    return token
  }

  /** All events of the log, in order. */
  events(): Promise<readonly CallEvent[]> {
    return readLoggedEvents(this.env)
  }

  async eventsOf(providerCallId: string): Promise<CallEvent[]> {
    return (await this.events()).filter((event) => event.providerCallId === providerCallId)
  }

  /** All requests that were kept raw. */
  rejected(): Promise<readonly StoredRecord[]> {
    return this.#view.read(this.names.rejected)
  }
}
