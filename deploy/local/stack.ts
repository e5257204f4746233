import { readdirSync, rmSync } from 'node:fs'
import { type Broker, controlBroker } from './broker.ts'
import { type Stopped, stopDaemon } from './daemon.ts'
import { kafkaServers } from './kafka.ts'
import { type Lock, tryLock, withLock } from './lock.ts'
import { postgresServer } from './postgres.ts'
import { dataElsewhere } from './postgres-home.ts'
import { requirePrograms } from './prerequisites.ts'
import {
  brokersOf,
  type Profile,
  type ProfileName,
  pidFile,
  pidFolder,
  profileOf,
  type ServerName,
  type StackEnvironment,
  stackEnvironment,
} from './profiles.ts'
import { registryServer } from './registry.ts'
import { type Report, type Server, startServer, stopServer } from './server.ts'
import { settleAll } from './settle-all.ts'
import { StackError } from './stack-error.ts'

/**
 * Kafka, the schema registry and PostgreSQL as real servers, without Docker.
 *
 * `make up`, the tests, the demo and the benchmark all start their stack here. A profile with
 * `fresh` belongs to the process that started it: a second one is refused, and what a dead one
 * left behind is stopped and cleared away first. Nothing is kept in memory that matters: whoever
 * opens the same profile can stop and start its servers.
 */
export interface Stack {
  readonly env: StackEnvironment
  /** Stops everything of this profile: services that were started in it, then the servers. */
  stop(): Promise<void>
  /** Each Kafka broker by itself; `kafka` below is all of them. */
  readonly brokers: readonly Broker[]
  /** Counted from 1. */
  broker(id: number): Broker
  /** SIGKILL is the crash of a machine's worth of process; by default it stops in order. */
  stopServer(name: ServerName, signal?: NodeJS.Signals): Promise<void>
  /** On the same ports, with the data it had. */
  startServer(name: ServerName): Promise<void>
  restartKafka(signal?: NodeJS.Signals): Promise<void>
}

export interface StackOptions {
  /** Gets one line per step; by default nobody is told. */
  readonly report?: Report
}

const SILENT: Report = () => {}
const START_WITHIN_MS = 5 * 60_000
const SERVICE_STOP_WITHIN_MS = 15_000

/**
 * Starts what does not run yet and returns when all servers answer.
 *
 * @throws StackError when a program is missing, a port is taken, another process owns the profile,
 *   or a server does not come up. Of a fresh profile nothing is left running then; of `up` the
 *   servers that did start stay.
 */
export async function startStack(name: ProfileName, options: StackOptions = {}): Promise<Stack> {
  const { report = SILENT } = options
  const profile = profileOf(name)
  requirePrograms('java')
  return profile.fresh ? startFresh(profile, report) : startLasting(profile, report)
}

function brokerWith(id: number, brokers: readonly Broker[]): Broker {
  const broker = brokers.find((each) => each.id === id)
  if (broker) return broker
  throw new StackError(`There is no broker ${id}: the stack has ${brokers.length}.`)
}

/** The stack of a profile that somebody else has started. */
export function openStack(name: ProfileName, { report = SILENT }: StackOptions = {}): Stack {
  const profile = profileOf(name)
  const servers = serversOf(profile, report)
  const stack: Stack = {
    env: stackEnvironment(profile),
    stop: () => stopEverything(profile, report),
    brokers: brokersOf(profile).map((place) => controlBroker(profile, place, report)),
    broker: (id) => brokerWith(id, stack.brokers),
    stopServer: (name, signal) =>
      settleAll(servers[name].map((server) => stopServer(profile, server, signal))),
    startServer: (name) =>
      settleAll(servers[name].map((server) => startServer(profile, server, report))),
    async restartKafka(signal) {
      await stack.stopServer('kafka', signal)
      await stack.startServer('kafka')
    },
  }
  return stack
}

/** Stops what runs of a profile, unless a process that still lives owns it. */
export function stopStack(name: ProfileName, report: Report): Promise<void> {
  return asOwner(profileOf(name), report, (profile) => stopEverything(profile, report))
}

/** Stops it and removes its data and logs, unless a process that still lives owns it. */
export function removeStack(name: ProfileName, report: Report): Promise<void> {
  return asOwner(profileOf(name), report, async (profile) => {
    await stopEverything(profile, report)
    removeData(profile)
  })
}

async function asOwner(
  profile: Profile,
  report: Report,
  work: (profile: Profile) => Promise<void>,
): Promise<void> {
  if (!profile.fresh) return withLock(lockFile(profile), waiting(report), () => work(profile))
  const attempt = tryLock(lockFile(profile))
  if (attempt.kind === 'held') {
    report(`the ${profile.name} stack is in use by process ${attempt.holder.pid}: left alone`)
    return
  }
  await work(profile).finally(() => attempt.lock.release())
}

function removeData(profile: Profile): void {
  rmSync(dataElsewhere(profile), { recursive: true, force: true })
  rmSync(profile.folder, { recursive: true, force: true })
}

async function startLasting(profile: Profile, report: Report): Promise<Stack> {
  await withLock(lockFile(profile), waiting(report), () => startServers(profile, report))
  return openStack(profile.name, { report })
}

async function startFresh(profile: Profile, report: Report): Promise<Stack> {
  const lock = own(profile)
  const stack = openStack(profile.name, { report })
  const stop = () => stack.stop().finally(() => lock.release())
  try {
    await stack.stop()
    removeData(profile)
    await startServers(profile, report)
  } catch (error) {
    await stop()
    throw error
  }
  return { ...stack, stop }
}

function own(profile: Profile): Lock {
  const attempt = tryLock(lockFile(profile))
  if (attempt.kind === 'acquired') return attempt.lock
  throw new StackError(
    `The ${profile.name} stack is in use by process ${attempt.holder.pid}:` +
      ' wait until it has ended, or end it.',
  )
}

/** Outside of the profile's folder, which is removed while the lock is held. */
function lockFile({ folder }: Profile): string {
  return `${folder}.lock`
}

function waiting(report: Report) {
  return {
    withinMs: START_WITHIN_MS,
    onWait: ({ pid }: { readonly pid: number }) =>
      report(`waiting for process ${pid}, which starts or stops the same stack`),
  }
}

function serversOf(profile: Profile, report: Report): Record<ServerName, readonly Server[]> {
  return {
    postgres: [postgresServer(profile)],
    kafka: kafkaServers(profile, report),
    registry: [registryServer(profile, report)],
  }
}

/** Side by side, but the registry after Postgres, where it keeps its schemas. */
async function startServers(profile: Profile, report: Report): Promise<void> {
  const { postgres, kafka, registry } = serversOf(profile, report)
  const start = (servers: readonly Server[]) =>
    settleAll(servers.map((server) => startServer(profile, server, report)))
  await settleAll([start(kafka), start(postgres).then(() => start(registry))])
}

async function stopEverything(profile: Profile, report: Report): Promise<void> {
  const servers = serversOf(profile, SILENT)
  const told = async (label: string, stopped: Promise<Stopped>) =>
    report(`${label}: ${WORDS[await stopped]}`)
  const stopService = (name: string) =>
    told(
      name,
      stopDaemon(pidFile(profile, name), { signal: 'SIGTERM', withinMs: SERVICE_STOP_WITHIN_MS }),
    )
  const stop = (name: ServerName) =>
    settleAll(
      servers[name]
        .filter((server) => known(profile).includes(server.name))
        .map((server) => told(server.label, stopServer(profile, server))),
    )
  await settleAll(runningServices(profile, servers).map(stopService))
  await settleAll([
    stop('kafka'),
    inOrder(
      () => stop('registry'),
      () => stop('postgres'),
    ),
  ])
}

/** The second happens even if the first fails: otherwise one bad pid file would keep all running. */
async function inOrder(first: () => Promise<void>, second: () => Promise<void>): Promise<void> {
  try {
    await first()
  } finally {
    await second()
  }
}

const WORDS: Readonly<Record<Stopped, string>> = {
  stopped: 'stopped',
  killed: 'did not stop in time and was killed',
  'not-running': 'had already ended',
}

function runningServices(profile: Profile, servers: Record<ServerName, readonly Server[]>) {
  const names = Object.values(servers).flatMap((each) => each.map(({ name }) => name))
  return known(profile).filter((name) => !names.includes(name))
}

/** Names of all processes that have a pid file. */
function known(profile: Profile): string[] {
  try {
    return readdirSync(pidFolder(profile))
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
