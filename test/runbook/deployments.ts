import type { ServiceProcess } from '../../deploy/local/services.ts'
import type { Running, Site } from '../drill/site.ts'

/** The services of a site as `kubectl` sees them: deployments with replicas and an environment. */
export const DEPLOYMENTS = ['normalizer', 'dispatcher', 'console'] as const
export type DeploymentName = (typeof DEPLOYMENTS)[number]

export type Environment = Readonly<Record<string, string>>

export interface Deployments {
  /** Ends all replicas, frozen ones as well, and starts them with the changed environment. */
  restart(name: DeploymentName, changes?: Environment): Promise<void>
  /** For all of them, from their next start on. */
  setSecret(changes: Environment): void
  /** Ends its replicas without starting others. */
  end(name: DeploymentName): Promise<void>
  /** Of the replicas that run and of those that ran before. */
  logFiles(name: DeploymentName): readonly string[]
  pids(name: DeploymentName): readonly number[]
}

const READY_WITHIN_MS = 90_000

interface Replica {
  readonly running: Running
  readonly own: Environment
}

export function deploymentsOf({ product, normalizer, console, dispatchers }: Site): Deployments {
  const replicas: Readonly<Record<DeploymentName, readonly Replica[]>> = {
    normalizer: [{ running: normalizer, own: {} }],
    console: [{ running: console, own: {} }],
    dispatcher: dispatchers.map((running) => ({
      running,
      own: { DISPATCHER_TELEMETRY_PORT: String(running.telemetryPort) },
    })),
  }
  let secret: Environment = {}
  const changed: Record<DeploymentName, Environment> = {
    normalizer: {},
    dispatcher: {},
    console: {},
  }
  const earlier: Record<DeploymentName, ServiceProcess[]> = {
    normalizer: [],
    dispatcher: [],
    console: [],
  }

  async function end(name: DeploymentName): Promise<void> {
    await Promise.all(replicas[name].map(({ running }) => running.process.stop()))
  }

  return {
    end,
    setSecret(changes) {
      secret = { ...secret, ...changes }
    },
    async restart(name, changes = {}) {
      changed[name] = { ...changed[name], ...changes }
      await end(name)
      await Promise.all(
        replicas[name].map(async ({ running, own }) => {
          earlier[name].push(running.process)
          const env = { ...secret, ...changed[name], ...own }
          running.process = await product.start(name, env, { readyWithinMs: READY_WITHIN_MS })
        }),
      )
    },
    logFiles: (name) => [
      ...earlier[name].map(({ logFile }) => logFile),
      ...replicas[name].map(({ running }) => running.process.logFile),
    ],
    pids: (name) => replicas[name].map(({ running }) => running.process.pid),
  }
}
