import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { projectPath } from '../../services/shared/project-path.ts'
import type { Command } from './daemon.ts'
import { DEPENDENCY_PLUGIN, downloaded } from './downloads.ts'
import { brokerSettings, logFolder } from './kafka-settings.ts'
import { javaCommand } from './prerequisites.ts'
import {
  type BrokerPlace,
  brokerOf,
  brokersOf,
  dataFolder,
  HOST,
  type Profile,
} from './profiles.ts'
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

/** All nodes of a profile. Two of three must run before any of them is ready. */
export function kafkaServers(profile: Profile, report: Report): readonly Server[] {
  return brokersOf(profile).map((broker) => kafkaServer(profile, report, OPEN, broker))
}

/** Apache Kafka as one node that is broker and controller (KRaft). */
export function kafkaServer(
  profile: Profile,
  report: Report,
  variant = OPEN,
  broker = brokerOf(profile, 1),
): Server {
  return {
    name: broker.name,
    label: profile.brokers === 1 ? 'Kafka' : `Kafka broker ${broker.id}`,
    ports: [broker.port, broker.controllerPort],
    async prepare() {
      const classPath = join(await libraries(report), '*')
      const config = await prepareData(profile, broker, variant, classPath)
      return startCommand(profile, classPath, config)
    },
    probe: () => probe(broker, variant),
    // After a crash it looks through each partition first: long on a busy machine with several of them.
    readyWithinMs: 120_000,
    stop: { signal: 'SIGTERM', withinMs: 20_000 },
  }
}

function libraries(report: Report): Promise<string> {
  const pom = join(CONFIG_FOLDER, 'pom.xml')
  return downloaded(
    {
      name: 'kafka',
      maven: ['-f', pom, `${DEPENDENCY_PLUGIN}:copy-dependencies`],
      inputs: readFileSync(pom, 'utf8'),
    },
    report,
  )
}

/** Returns the file with the settings, which are written anew at each start. */
async function prepareData(
  profile: Profile,
  broker: BrokerPlace,
  { settings, formatOptions }: KafkaVariant,
  classPath: string,
): Promise<string> {
  const folder = dataFolder(profile, broker.name)
  const config = join(folder, 'server.properties')
  mkdirSync(folder, { recursive: true })
  writeFileSync(config, properties({ ...brokerSettings(profile, broker), ...settings }))
  const log = logFolder(profile, broker)
  // The last thing that formatting writes: without it, begin anew.
  if (!existsSync(join(log, 'meta.properties'))) {
    rmSync(log, { recursive: true, force: true })
    await format(classPath, ['-t', clusterId(profile), '-c', config, ...formatOptions])
  }
  return config
}

async function format(classPath: string, options: readonly string[]): Promise<void> {
  const tool = ['-cp', classPath, 'kafka.tools.StorageTool', 'format']
  await promisify(execFile)(javaCommand(), [...tool, ...options])
}

/**
 * For brokers that are started again all the time on a small machine: what a JVM compiles for hours to
 * come is most of their work then, and one that has just started takes seconds to lead a partition.
 */
const STARTS_OFTEN = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

function startCommand({ name, brokers }: Profile, classPath: string, config: string): Command {
  const args = [
    // Each of three has a third of the load, and all of them share one machine.
    ...(brokers === 1 ? ['-Xms256m', '-Xmx512m'] : ['-Xms64m', '-Xmx320m']),
    // The benchmark's runs for minutes, as in production.
    ...(name === 'bench' ? [] : STARTS_OFTEN),
    '-cp',
    classPath,
    `-Dlog4j2.configurationFile=${join(CONFIG_FOLDER, 'log4j2.properties')}`,
    'kafka.Kafka',
    config,
  ]
  return { file: javaCommand(), args, env: process.env }
}

/**
 * 16 bytes, the same for all brokers of a stack without a file that they would have to share. The
 * first is fixed, since an id that begins with `-` is read as an option.
 */
function clusterId({ folder }: Profile): string {
  const bytes = createHash('sha256').update(folder).digest().subarray(0, 16)
  bytes[0] = 0
  return bytes.toString('base64url')
}

function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/**
 * Connected is not enough: a broker that just started is not listed before the controller lets it.
 * It answers nobody before it knows of its own new registration, so it cannot list the last one.
 */
async function probe({ id, port }: BrokerPlace, { access }: KafkaVariant): Promise<void> {
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
    if (!brokers.some(({ nodeId }) => nodeId === id)) {
      throw new Error('the broker is not yet part of its cluster')
    }
  } finally {
    await admin.disconnect()
  }
}
