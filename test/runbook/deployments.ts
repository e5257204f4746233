import type { ServiceProcess } from '../../deploy/local/services.ts'
import type { Running, Site } from '../drill/site.ts'

/** The services of a site as `kubectl` sees them: deployments with replicas and an environment. */
export const DEPLOYMENTS = ['normalizer', 'dispatcher', 'console'] as const
export type DeploymentName = (typeof DEPLOYMENTS)[number]

export type Environment = Readonly<Record<string, string>>

export interface Deployments {
  /** Ends all replicas, frozen ones as well, and starts them with the changed environment. */
  restart(name: DeploymentName, changes?: Environment): Promise<void>
  /** The same with the environment before the last change. */
  undo(name: DeploymentName): Promise<void>
  /** What was changed, and counts from the next start on. */
  changesOf(name: DeploymentName): Environment
  /** Of the last replica that was replaced; null: none was. */
  previousLogFile(name: DeploymentName): string | null
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

  const before: Record<DeploymentName, Environment> = { ...changed }
  const turns = new Map<DeploymentName, Promise<void>>()

  /** One after the other, as Kubernetes does: two starts at a time would want the same port. */
  function inTurn(name: DeploymentName, work: () => Promise<void>): Promise<void> {
    const done = (turns.get(name) ?? Promise.resolve()).then(work)
    turns.set(
      name,
      done.catch(() => undefined),
    )
    return done
  }

  async function startAnew(name: DeploymentName): Promise<void> {
    await end(name)
    await Promise.all(
      replicas[name].map(async ({ running, own }) => {
        earlier[name].push(running.process)
        const env = { ...secret, ...changed[name], ...own }
        running.process = await product.start(name, env, { readyWithinMs: READY_WITHIN_MS })
      }),
    )
  }

  async function end(name: DeploymentName): Promise<void> {
    await Promise.all(replicas[name].map(({ running }) => running.process.stop()))
  }

  return {
    end,
    setSecret(changes) {
      secret = { ...secret, ...changes }
    },
    restart: (name, changes) =>
      inTurn(name, () => {
        if (changes) before[name] = changed[name]
        changed[name] = { ...changed[name], ...changes }
        return startAnew(name)
      }),
    undo: (name) =>
      inTurn(name, () => {
        changed[name] = before[name]
        return startAnew(name)
      }),
    changesOf: (name) => changed[name],
    previousLogFile: (name) => earlier[name].at(-1)?.logFile ?? null,
    logFiles: (name) => [
      ...earlier[name].map(({ logFile }) => logFile),
      ...replicas[name].map(({ running }) => running.process.logFile),
    ],
    pids: (name) => replicas[name].map(({ running }) => running.process.pid),
  }
}
