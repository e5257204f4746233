import type { Admin, ITopicConfig, ITopicMetadata, Kafka } from 'kafkajs'
import { systemClock } from '../clock.ts'
import { withinMs } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { MESSAGE_BYTES_MAX } from './record-size.ts'
import { requireSettings } from './topic-settings.ts'
import { TopicError, type TopicSpec } from './topic-spec.ts'
import { untilKnown } from './until-known.ts'

/** Names and settings of the topics; a topic's name begins with `TOPIC_PREFIX`. */

export interface TopicNames {
  readonly events: string
  readonly rejected: string
  readonly catchUp: string
  readonly deadLetter: string
  /** The retry topic of a delay such as `30s`. */
  retry(delay: string): string
}

export function topicNames(prefix: string): TopicNames {
  return {
    events: `${prefix}.events`,
    rejected: `${prefix}.rejected`,
    catchUp: `${prefix}.catch-up`,
    deadLetter: `${prefix}.dead-letter`,
    retry: (delay) => `${prefix}.retry.${delay}`,
  }
}

/** A group that nobody joins; see `KeptMark`. */
export function restoresGroup(topicPrefix: string): string {
  return `${topicPrefix}.restores`
}

const DAY_MS = 86_400_000

/**
 * `uncompressed`, so that the broker unpacks what others pack: kafkajs reads neither lz4 nor snappy
 * nor zstd, and one batch of a foreign producer would stop a partition. Our own batches are not packed
 * and cost it nothing. `max.message.bytes` is told outright, or the brokers' default would count.
 */
const EVERYWHERE = {
  'max.message.bytes': String(MESSAGE_BYTES_MAX),
  'compression.type': 'uncompressed',
}

/**
 * `LogAppendTime` because "accepted at" must come from one clock: connection times and back-fill
 * ranges are compared with it.
 */
function timedTopic(topic: string, partitions: number, keptDays: number): TopicSpec {
  const config = { 'message.timestamp.type': 'LogAppendTime', ...keptFor(keptDays) }
  return { topic, partitions, config }
}

function keptFor(days: number) {
  return { ...EVERYWHERE, 'retention.ms': String(days * DAY_MS) }
}

/** The log. */
export function eventsTopic(names: TopicNames, partitions: number): TopicSpec {
  return { ...timedTopic(names.events, partitions, 7), isLog: true }
}

/** Raw provider requests; kept longer, since mending a mapping takes a person. */
export function rejectedTopic(names: TopicNames, partitions: number): TopicSpec {
  return timedTopic(names.rejected, partitions, 30)
}

/** One of the topics that hold lane records: catch-up and the retry tiers. */
export function laneTopic(topic: string, partitions: number): TopicSpec {
  return { topic, partitions, config: keptFor(7) }
}

/** What was given up; kept longer than the log, since a person has to look at it. */
export function deadLetterTopic(names: TopicNames, partitions: number): TopicSpec {
  return timedTopic(names.deadLetter, partitions, 30)
}

/** All that the services read and write, with a retry topic for each delay such as `30s`. */
export function allTopics(
  names: TopicNames,
  partitions: number,
  delays: readonly string[],
): readonly TopicSpec[] {
  const laneTopics = [names.catchUp, ...delays.map((delay) => names.retry(delay))]
  return [
    eventsTopic(names, partitions),
    rejectedTopic(names, partitions),
    deadLetterTopic(names, partitions),
    ...laneTopics.map((topic) => laneTopic(topic, partitions)),
  ]
}

/**
 * Creates what is missing and refuses what does not fit, for the start of a service. The logger is
 * told of settings that we can live with and would rather not.
 *
 * @throws TopicError naming the topic and the mend.
 */
export async function prepareTopics(
  kafka: Kafka,
  specs: readonly TopicSpec[],
  logger?: Logger,
): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    await ensureTopics(admin, specs)
    await requireSettings(admin, specs, logger ? { logger } : {})
  })
}

/**
 * Does the work with kafkajs' admin client, again with another one while brokers are away: the one
 * that it asks first may hang, and it does not ask the next. Work has to bear being repeated.
 */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const patientUntil = systemClock.elapsed() + PATIENCE_MS
  for (;;) {
    try {
      return await withOneAdmin(kafka, work)
    } catch (error) {
      if (!isForLater(error) || systemClock.elapsed() > patientUntil) throw error
      await systemClock.sleep(ASK_AGAIN_MS)
    }
  }
}

/** A broker that was killed or hangs is out of the cluster after 9 s, and its leaders are elsewhere. */
const PATIENCE_MS = 20_000
const ASK_AGAIN_MS = 100
const GOODBYE_MS = 500

async function withOneAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin({ retry: { retries: 1, initialRetryTime: 100 } })
  try {
    await admin.connect()
    return await work(admin)
  } finally {
    // It waits for what is open, of a broker that hangs as well.
    await withinMs(GOODBYE_MS, admin.disconnect()).catch(() => undefined)
  }
}

/** Nobody answered; what Kafka answers, and what we find wrong, will not get better. */
function isForLater(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (/^KafkaJS(Connection|RequestTimeout|BrokerNotFound|LockTimeout)/.test(one.name)) return true
  }
  return false
}

/**
 * Creates what is missing and refuses what does not fit. Replicas that start together may both
 * try to create: the loser sees that it exists.
 *
 * @throws TopicError when a topic has another number of partitions, or may not be created.
 */
export async function ensureTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  const existing = new Set(await admin.listTopics())
  const missing = specs.filter(({ topic }) => !existing.has(topic))
  if (missing.length > 0) await create(admin, missing)
  const topics = await describe(admin, specs)
  for (const { topic, partitions } of specs) {
    const found = topics.find(({ name }) => name === topic)?.partitions.length ?? 0
    if (found === partitions) continue
    if (found > partitions && (await isGrownUnused(admin, topic, partitions))) continue
    throw new TopicError(partitionMismatch(topic, found, partitions))
  }
}

/**
 * Somebody added partitions, and nothing was ever written there: what is in use is as configured. To
 * refuse that would turn a slip that harms nobody into an outage at the next restart.
 */
async function isGrownUnused(admin: Admin, topic: string, partitions: number): Promise<boolean> {
  const ends = await untilKnown(() => admin.fetchTopicOffsets(topic))
  const isUsed = ends.filter(({ high }) => high !== '0').map(({ partition }) => partition)
  return isUsed.length > 0 && isUsed.every((partition) => partition < partitions)
}

async function describe(
  admin: Admin,
  specs: readonly TopicSpec[],
): Promise<readonly ITopicMetadata[]> {
  const names = specs.map(({ topic }) => topic)
  const { topics } = await untilKnown(() => admin.fetchTopicMetadata({ topics: names }))
  return topics
}

async function create(admin: Admin, missing: readonly TopicSpec[]): Promise<void> {
  const topics = missing.map(
    ({ topic, partitions, config }): ITopicConfig => ({
      topic,
      numPartitions: partitions,
      // The broker's default, so that production gets three replicas and a laptop one.
      replicationFactor: -1,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    }),
  )
  try {
    await admin.createTopics({ topics, waitForLeaders: false, timeout: 10_000 })
  } catch (error) {
    const names = missing.map(({ topic }) => topic).join(', ')
    throw new TopicError(
      `Cannot create ${names}: create them by hand with ${missing[0]?.partitions} partitions, or grant this client CREATE, or DESCRIBE if they exist: see deploy/kafka/README.md.`,
      { cause: error },
    )
  }
}

function partitionMismatch(topic: string, found: number, wanted: number): string {
  return `Topic ${topic} has ${found} partitions, TOPIC_PARTITIONS says ${wanted}: set TOPIC_PARTITIONS=${found} for all services. Do not add partitions to a topic, or the calls of a workspace would go on in another one and change places; see "The number of partitions" in deploy/kafka/README.md. All topics need the same number, or a workspace would not have one owner.`
}
