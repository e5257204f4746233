import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { projectPath } from '../../services/shared/project-path.ts'
import type { Command } from './daemon.ts'
import { DEPENDENCY_PLUGIN, downloaded } from './downloads.ts'
import { javaCommand } from './prerequisites.ts'
import { dataFolder, HOST, type Profile } from './profiles.ts'
import type { Report, Server } from './server.ts'

const CONFIG_FOLDER = projectPath('deploy', 'local', 'kafka')

/** What sets a broker apart from the open one of the stack. */
export interface KafkaVariant {
  /** Added to the usual settings, or in their place. */
  readonly settings: Readonly<Record<string, string>>
  /** Further words of `kafka-storage format`: users that are there from the first start on. */
  readonly formatOptions: readonly string[]
  /** How the probe gets in. */
  readonly access: Pick<KafkaConfig, 'ssl' | 'sasl'>
}

const OPEN: KafkaVariant = { settings: {}, formatOptions: [], access: {} }

/** Apache Kafka as one node that is broker and controller (KRaft). */
export function kafkaServer(profile: Profile, report: Report, variant = OPEN): Server {
  return {
    name: 'kafka',
    label: 'Kafka',
    ports: [profile.ports.kafka, profile.ports.controller],
    prepare: () => prepare(profile, report, variant),
    probe: () => probe(profile.ports.kafka, variant),
    readyWithinMs: 60_000,
    stop: { signal: 'SIGTERM', withinMs: 20_000 },
  }
}

async function prepare(
  profile: Profile,
  report: Report,
  { settings, formatOptions }: KafkaVariant,
): Promise<Command> {
  const pom = join(CONFIG_FOLDER, 'pom.xml')
  const libraries = await downloaded(
    {
      name: 'kafka',
      maven: ['-f', pom, `${DEPENDENCY_PLUGIN}:copy-dependencies`],
      inputs: readFileSync(pom, 'utf8'),
    },
    report,
  )
  const classPath = join(libraries, '*')
  const folder = dataFolder(profile, 'kafka')
  const config = join(folder, 'server.properties')
  mkdirSync(folder, { recursive: true })
  writeFileSync(config, properties({ ...usualSettings(profile), ...settings }))
  if (!isFormatted(profile)) await format(profile, classPath, ['-c', config, ...formatOptions])
  return { file: javaCommand(), args: brokerArguments(classPath, config), env: process.env }
}

function brokerArguments(classPath: string, config: string): string[] {
  return [
    '-Xms256m',
    '-Xmx512m',
    '-cp',
    classPath,
    `-Dlog4j2.configurationFile=${join(CONFIG_FOLDER, 'log4j2.properties')}`,
    'kafka.Kafka',
    config,
  ]
}

/** `meta.properties` is the last thing that formatting writes: without it, begin anew. */
function isFormatted(profile: Profile): boolean {
  return existsSync(join(logFolder(profile), 'meta.properties'))
}

async function format(
  profile: Profile,
  classPath: string,
  options: readonly string[],
): Promise<void> {
  rmSync(logFolder(profile), { recursive: true, force: true })
  await promisify(execFile)(javaCommand(), [
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId(),
    ...options,
  ])
}

/** 16 random bytes; the first is fixed, since an id that begins with `-` is read as an option. */
function clusterId(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0
  return bytes.toString('base64url')
}

function logFolder(profile: Profile): string {
  return join(dataFolder(profile, 'kafka'), 'log')
}

/**
 * One broker, so every internal topic has one replica. Nothing is set about flushing: durability
 * is that of a production broker, and failure tests depend on it.
 */
function usualSettings(profile: Profile): Record<string, string> {
  const { kafka, controller } = profile.ports
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${HOST}:${controller}`,
    listeners: `PLAINTEXT://${HOST}:${kafka},CONTROLLER://${HOST}:${controller}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${kafka}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    // A killed broker is let in again when its old session has run out; the default is 9 s.
    'broker.session.timeout.ms': '5000',
    'broker.heartbeat.interval.ms': '1000',
    'log.dirs': logFolder(profile),
    'offsets.topic.replication.factor': '1',
    // The default of 50 partitions is loaded one by one at each start.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // The default waits 3 s for more members before a new group gets its partitions.
    'group.initial.rebalance.delay.ms': '0',
    // A mistyped topic must fail here as it does in production.
    'auto.create.topics.enable': 'false',
    // The default takes 128 MB of the heap for the compaction of topics that hold little here.
    'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
  }
}

function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** Connected is not enough: a broker that just started is not listed before the controller lets it. */
async function probe(port: number, { access }: KafkaVariant): Promise<void> {
  const admin = new Kafka({
    clientId: 'readiness',
    brokers: [`${HOST}:${port}`],
    ...access,
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  }).admin()
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    if (brokers.length === 0) throw new Error('the broker is not yet part of its cluster')
  } finally {
    await admin.disconnect()
  }
}
