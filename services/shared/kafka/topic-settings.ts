import kafkajs, { type Admin } from 'kafkajs'
import type { Logger } from '../logger.ts'
import { MESSAGE_BYTES_MAX } from './record-size.ts'
import { TopicError, type TopicSpec } from './topic-spec.ts'
import { untilKnown } from './until-known.ts'

/**
 * Settings of a topic that we cannot live with are refused when a service starts, with the command
 * that mends them. Found out later, each of them is calls that were accepted and are never delivered.
 * What counts is the value in effect, whether it was set on the topic or on the brokers.
 */
export interface Needs {
  /** The events topic: its times are compared with those of connections and back-fills. */
  readonly isLog: boolean
  /** Milliseconds that a record has to be kept; 0: nobody waits behind it. */
  readonly keptMs: number
  /** Replicas of the partition that has fewest. */
  readonly replicas: number
}

export type Settings = ReadonlyMap<string, string>

/** kafkajs cannot read them, and with records that nobody can read a partition stands still. */
const UNREADABLE: ReadonlySet<string> = new Set(['lz4', 'snappy', 'zstd'])

/** One sentence with the mend; null: we can live with it. */
export function settingsProblem(topic: string, settings: Settings, needs: Needs): string | null {
  const mend = (setting: string) => mendOf(topic, setting)
  const largest = wholeOf(settings, 'max.message.bytes')
  if (largest !== null && largest < MESSAGE_BYTES_MAX) {
    return `takes records of at most ${largest} bytes, and we write up to ${MESSAGE_BYTES_MAX}: an accepted call that is larger would stay out of it for ever: ${mend(`max.message.bytes=${MESSAGE_BYTES_MAX}`)}`
  }
  const compression = settings.get('compression.type') ?? ''
  if (UNREADABLE.has(compression)) {
    return `is compressed by ${compression}, which we cannot read: ${mend('compression.type=uncompressed')} (or gzip)`
  }
  if ((settings.get('cleanup.policy') ?? 'delete') !== 'delete') {
    return `is compacted, which deletes all but the last record of a workspace: ${mend('cleanup.policy=delete')}`
  }
  if (needs.isLog && (settings.get('message.timestamp.type') ?? LOG_TIME) !== LOG_TIME) {
    return `takes its times from the producers, but connection times and back-fills are compared with one clock: ${mend(`message.timestamp.type=${LOG_TIME}`)}`
  }
  const keptMs = wholeOf(settings, 'retention.ms')
  if (keptMs !== null && keptMs < needs.keptMs) {
    return `keeps records for ${keptMs} ms, but the retry schedule and its margin need ${needs.keptMs} ms, or events that wait behind a failing one would be deleted: ${mend(`retention.ms=${needs.keptMs}`)}, or shorten DISPATCHER_RETRY_TIERS`
  }
  const inSync = wholeOf(settings, 'min.insync.replicas') ?? 1
  if (inSync > needs.replicas) {
    return `wants ${inSync} replicas in sync and has ${needs.replicas}, so nothing that is written is ever acknowledged: ${mend(`min.insync.replicas=${Math.max(needs.replicas - 1, 1)}`)}, or give it more replicas`
  }
  return null
}

/** Each a sentence: what we can live with, as long as nothing else happens. */
export function settingsAdvice(topic: string, settings: Settings): readonly string[] {
  const advice: string[] = []
  if (settings.get('compression.type') === 'producer') {
    advice.push(
      `is compressed as its producers like it; one that sends lz4, snappy or zstd stops a partition: ${mendOf(topic, 'compression.type=uncompressed')}`,
    )
  }
  if (wholeOf(settings, 'retention.bytes') !== null) {
    advice.push(
      `forgets by size, so a busy day shortens the time for which events can wait: ${mendOf(topic, 'retention.bytes=-1')}`,
    )
  }
  if (settings.get('unclean.leader.election.enable') === 'true') {
    advice.push(
      `may be led by a replica that lacks accepted calls: ${mendOf(topic, 'unclean.leader.election.enable=false')}`,
    )
  }
  return advice
}

const LOG_TIME = 'LogAppendTime'

function mendOf(topic: string, setting: string): string {
  return `run kafka-configs.sh --alter --topic ${topic} --add-config ${setting}`
}

/** Null: without limit, or not told. */
function wholeOf(settings: Settings, name: string): number | null {
  const text = settings.get(name) ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

const LOOKED_AT = [
  'max.message.bytes',
  'compression.type',
  'cleanup.policy',
  'message.timestamp.type',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
  'unclean.leader.election.enable',
]

/**
 * @throws TopicError for the first setting that we cannot live with, or when the settings may not be
 *   seen. `keptMsOf`: see Needs.
 */
export async function requireSettings(
  admin: Admin,
  specs: readonly TopicSpec[],
  { keptMsOf, logger }: SettingsOptions = {},
): Promise<void> {
  const names = specs.map(({ topic }) => topic)
  const { topics } = await untilKnown(() => admin.fetchTopicMetadata({ topics: names }))
  for (const { topic, isLog = false } of specs) {
    const partitions = topics.find(({ name }) => name === topic)?.partitions ?? []
    const replicas = Math.min(...partitions.map((partition) => partition.replicas.length))
    const settings = await settingsOf(admin, topic)
    const needs = { isLog, keptMs: keptMsOf?.(topic) ?? 0, replicas }
    const problem = settingsProblem(topic, settings, needs)
    if (problem !== null) throw new TopicError(`Topic ${topic} ${problem}.`)
    for (const detail of settingsAdvice(topic, settings)) {
      logger?.warn({ topic, detail: `Topic ${topic} ${detail}.` }, 'topic.setting_risky')
    }
  }
}

export interface SettingsOptions {
  readonly keptMsOf?: (topic: string) => number
  /** Told of what we can live with and would rather not. */
  readonly logger?: Logger
}

async function settingsOf(admin: Admin, topic: string): Promise<Settings> {
  const type = kafkajs.ConfigResourceTypes.TOPIC
  const resources = [{ type, name: topic, configNames: LOOKED_AT }]
  try {
    const question = { includeSynonyms: false, resources }
    const answer = await untilKnown(() => admin.describeConfigs(question))
    const entries = answer.resources[0]?.configEntries ?? []
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
  } catch (error) {
    if ((error as { type?: string }).type !== 'TOPIC_AUTHORIZATION_FAILED') throw error
    throw new TopicError(
      `Cannot see the settings of ${topic}: grant DESCRIBE_CONFIGS on it to this client, see deploy/kafka/README.md.`,
      { cause: error },
    )
  }
}
