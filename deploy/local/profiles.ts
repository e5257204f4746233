import { join } from 'node:path'
import { projectPath } from '../../services/shared/project-path.ts'

/**
 * A profile is one complete stack with ports and a folder of its own, so that `make test`,
 * `make demo` and `make bench` run while `make up` does, and never touch its data.
 */
export const PROFILE_NAMES = ['up', 'up-cluster', 'test', 'demo', 'bench', 'cluster'] as const
export type ProfileName = (typeof PROFILE_NAMES)[number]

/** `kafka` is all its brokers. */
export type ServerName = 'postgres' | 'kafka' | 'registry'

export const SERVICE_NAMES = ['normalizer', 'dispatcher', 'console'] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]

/** The ports of `make up`: what the services and docker-compose.yml take by default, too. */
const DEFAULT_PORTS = {
  kafka: 9092,
  controller: 9093,
  registry: 8081,
  postgres: 5432,
  normalizer: 8080,
  console: 8090,
  normalizerTelemetry: 9101,
  dispatcherTelemetry: 9102,
  consoleTelemetry: 9103,
  prometheus: 9090,
} as const

export type Ports = Readonly<Record<keyof typeof DEFAULT_PORTS, number>>

export interface Profile {
  readonly name: ProfileName
  /** Absolute; holds `data/`, `logs/` and `pids/`. */
  readonly folder: string
  /** True: each start begins with empty data, and one process owns the stack while it runs. */
  readonly fresh: boolean
  /**
   * False: Postgres may lose data if the whole machine crashes, never if a process does. Halves
   * the time of `create database`, which most integration tests begin with.
   */
  readonly survivesPowerLoss: boolean
  /** Name of the services' database in Postgres. */
  readonly database: string
  /** How many Kafka nodes, each of them broker and controller. */
  readonly brokers: number
  /** Kafka asks for permissions where somebody has set some: drills take them away. */
  readonly hasPermissions: boolean
  /** Those of the first broker, and of all else; `brokersOf` tells the others'. */
  readonly ports: Ports
}

/** What a program needs to reach the servers of a stack. */
export interface StackEnvironment extends Record<string, string> {
  readonly KAFKA_BROKERS: string
  readonly SCHEMA_REGISTRY_URL: string
  readonly DATABASE_URL: string
}

/** The whole stack listens here and nowhere else: passwords below are no secrets. */
export const HOST = '127.0.0.1'
export const POSTGRES_USER = 'postgres'
export const POSTGRES_PASSWORD = 'postgres'
export const REGISTRY_DATABASE = 'registry'

const LOCAL_FOLDER = projectPath('.local')

/** Downloaded servers, shared by all profiles. `make clean` keeps them. */
export const SERVERS_FOLDER = join(LOCAL_FOLDER, 'servers')

/** Added to every port, so that two clones of the project can run their stacks side by side. */
const PORT_SHIFT = Number(process.env['LOCAL_PORT_SHIFT'] ?? 0)

// All ports stay below 32768, where Linux begins to hand out ports to outgoing connections: one of
// those could otherwise sit on a port of ours at the wrong moment.
const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  up: profile('up', { portOffset: 0, fresh: false }),
  'up-cluster': profile('up-cluster', { portOffset: 2_000, fresh: false, brokers: 3 }),
  test: profile('test', { portOffset: 10_000, fresh: true }),
  cluster: profile('cluster', { portOffset: 12_000, fresh: true, brokers: 3 }),
  demo: profile('demo', { portOffset: 20_000, fresh: true }),
  bench: profile('bench', { portOffset: 22_000, fresh: true }),
}

export function profileOf(name: ProfileName): Profile {
  return PROFILES[name]
}

interface ProfileOptions {
  readonly portOffset: number
  readonly fresh: boolean
  readonly brokers?: number
}

function profile(name: ProfileName, { portOffset, fresh, brokers = 1 }: ProfileOptions): Profile {
  const isForTests = name === 'test' || name === 'cluster'
  return {
    name,
    folder: join(LOCAL_FOLDER, name),
    fresh,
    survivesPowerLoss: !isForTests,
    // Destructive test support only touches databases whose name has the word `test` in it.
    database: isForTests ? 'call_webhook_test' : 'call_webhook',
    brokers,
    hasPermissions: name === 'bench',
    ports: shifted(portOffset + PORT_SHIFT),
  }
}

function shifted(offset: number): Ports {
  return {
    kafka: DEFAULT_PORTS.kafka + offset,
    controller: DEFAULT_PORTS.controller + offset,
    registry: DEFAULT_PORTS.registry + offset,
    postgres: DEFAULT_PORTS.postgres + offset,
    normalizer: DEFAULT_PORTS.normalizer + offset,
    console: DEFAULT_PORTS.console + offset,
    normalizerTelemetry: DEFAULT_PORTS.normalizerTelemetry + offset,
    dispatcherTelemetry: DEFAULT_PORTS.dispatcherTelemetry + offset,
    consoleTelemetry: DEFAULT_PORTS.consoleTelemetry + offset,
    prometheus: DEFAULT_PORTS.prometheus + offset,
  }
}

/** One Kafka node. */
export interface BrokerPlace {
  /** Kafka's `node.id`, counted from 1. */
  readonly id: number
  /** Of its process: what its data folder, its log and its pid file are called. */
  readonly name: string
  readonly port: number
  readonly controllerPort: number
}

export function brokersOf(profile: Profile): readonly BrokerPlace[] {
  return Array.from({ length: profile.brokers }, (_, index) => brokerOf(profile, index + 1))
}

/** In pairs of ports from the first one's on: 9092 and 9093, 9094 and 9095, and so on. */
export function brokerOf({ brokers, ports }: Profile, id: number): BrokerPlace {
  return {
    id,
    name: brokers === 1 ? 'kafka' : `kafka-${id}`,
    port: ports.kafka + 2 * (id - 1),
    controllerPort: ports.controller + 2 * (id - 1),
  }
}

export function dataFolder({ folder }: Profile, processName: string): string {
  return join(folder, 'data', processName)
}

export function logFile({ folder }: Profile, processName: string): string {
  return join(folder, 'logs', `${processName}.log`)
}

export function pidFolder({ folder }: Profile): string {
  return join(folder, 'pids')
}

export function pidFile(of: Profile, processName: string): string {
  return join(pidFolder(of), `${processName}.json`)
}

export function stackEnvironment(of: Profile): StackEnvironment {
  const { ports, database } = of
  return {
    KAFKA_BROKERS: brokersOf(of)
      .map(({ port }) => `${HOST}:${port}`)
      .join(),
    SCHEMA_REGISTRY_URL: `http://${HOST}:${ports.registry}/apis/ccompat/v7`,
    DATABASE_URL: databaseUrl(ports.postgres, database),
  }
}

export function databaseUrl(port: number, database: string): string {
  return `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@${HOST}:${port}/${database}`
}
