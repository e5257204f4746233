import { execFile } from 'node:child_process'
import type { ServiceName } from '../../deploy/local/profiles.ts'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import type { LoadBalancer } from '../support/load-balancer.ts'
import type { Answer } from '../support/page-shell.ts'
import { freePorts, type Product } from '../support/product.ts'

/**
 * Two processes of each service, of which one after the other is replaced, as in a rollout: whoever
 * is asked stands behind a load balancer, which asks the other one meanwhile.
 */
export interface Fleet {
  /** The first of each pair, where the product's environment says. */
  readonly normalizer: Replica
  readonly console: Replica
  readonly dispatchers: readonly [Replica, Replica]
  /** @throws when an old process ends otherwise than in order, or a new one is not ready in time. */
  roll(service: ServiceName): Promise<void>
  /** Runs a program of the image with the environment of the service. */
  exec(service: ServiceName, words: readonly string[]): Promise<Answer>
}

export interface Replica {
  process: ServiceProcess
  readonly telemetryPort: number
  /** Where it is asked; a dispatcher is asked by nobody. */
  readonly port: number
  readonly env: Readonly<Record<string, string>>
}

export interface FleetOptions {
  readonly product: Product
  readonly balancers: Readonly<Partial<Record<ServiceName, LoadBalancer>>>
  /** What differs from the environment that all have in common, at the moment of a start. */
  secretsOf(service: ServiceName): Readonly<Record<string, string>>
}

type Pair = readonly [Replica, Replica]

/** On a new broker the first group waits until Kafka has made the topic of its offsets. */
const READY_WITHIN_MS = 90_000

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const pairs: Readonly<Record<ServiceName, Pair>> = {
    normalizer: await startPair('normalizer', options),
    console: await startPair('console', options),
    dispatcher: await startPair('dispatcher', options),
  }
  return {
    normalizer: pairs.normalizer[0],
    console: pairs.console[0],
    dispatchers: pairs.dispatcher,
    roll: (service) => rollPair(service, pairs[service], options),
    exec: (service, words) =>
      execIn(words, { ...options.product.env, ...options.secretsOf(service) }),
  }
}

/** The first one is where the product's environment says, and where Prometheus looks. */
async function startPair(service: ServiceName, options: FleetOptions): Promise<Pair> {
  const { product, balancers } = options
  const name = service.toUpperCase()
  const own = [`${name}_PORT`, `${name}_TELEMETRY_PORT`].map((each) =>
    Number(product.env[each] ?? 0),
  )
  const first = await startReplica(service, own, options)
  const second = await startReplica(service, await freePorts(2), options)
  await balancers[service]?.switchTo(first.port)
  return [first, second]
}

async function startReplica(
  service: ServiceName,
  [port = 0, telemetryPort = 0]: readonly number[],
  options: FleetOptions,
): Promise<Replica> {
  const name = service.toUpperCase()
  const env = { [`${name}_PORT`]: String(port), [`${name}_TELEMETRY_PORT`]: String(telemetryPort) }
  return { process: await start(service, env, options), telemetryPort, port, env }
}

function start(
  service: ServiceName,
  env: Readonly<Record<string, string>>,
  { product, secretsOf }: FleetOptions,
): Promise<ServiceProcess> {
  const all = { ...env, ...secretsOf(service) }
  return product.start(service, all, { readyWithinMs: READY_WITHIN_MS })
}

async function rollPair(
  service: ServiceName,
  [first, second]: Pair,
  options: FleetOptions,
): Promise<void> {
  const balancer = options.balancers[service]
  for (const [old, other] of [
    [first, second],
    [second, first],
  ] as const) {
    await balancer?.switchTo(other.port)
    const { exitCode } = await old.process.stop()
    if (exitCode !== 0) throw new Error(`The ${service} that was replaced ended with ${exitCode}.`)
    old.process = await start(service, old.env, options)
  }
  await balancer?.switchTo(first.port)
}

function execIn(
  [program, path = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Answer> {
  if (program !== 'node') throw new Error(`the image has no program ${program}`)
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [projectPath(path), ...args],
      { env },
      (error, stdout) => {
        if (error && child.exitCode === null) reject(error)
        else resolve({ stdout, exitCode: child.exitCode ?? 1 })
      },
    )
  })
}
