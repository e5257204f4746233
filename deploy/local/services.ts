import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../../services/shared/clock.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { type DaemonSpec, type Exit, startDaemon, stopDaemon } from './daemon.ts'
import {
  HOST,
  logFile,
  type Profile,
  pidFile,
  profileOf,
  type ServiceName,
  stackEnvironment,
} from './profiles.ts'
import { StackError } from './stack-error.ts'

/** Starts the built services as processes of their own, the way production runs them. */

export type Environment = Readonly<Record<string, string | undefined>>

export interface ServiceOptions {
  /** Default: that of the tests. Its folder gets log and pid file, stopping it stops the service. */
  readonly profile?: Profile
  /**
   * Name of log and pid file. Default: the service's name with a number, so that a test may start
   * several; `make up` passes the plain name and so starts each at most once.
   */
  readonly instance?: string
  /** Absolute path of the program. Default: `dist/services/<name>/main.js`. */
  readonly entry?: string
  readonly readyWithinMs?: number
}

export interface ServiceExit extends Exit {
  /** Milliseconds from the signal to the end. */
  readonly ms: number
}

export interface ServiceProcess {
  readonly pid: number
  readonly logFile: string
  /** True when an earlier command had started it; how it ends is then unknown (both null). */
  readonly alreadyRunning: boolean
  /** SIGTERM by default; SIGKILL follows after 15 s. */
  stop(signal?: NodeJS.Signals): Promise<ServiceExit>
  /** The crash: nothing in the process gets a chance to react. */
  kill(): Promise<ServiceExit>
}

/** Longer than the services' own deadline (`STOP_DEADLINE_MS`, 9 s), which is to be seen to work. */
const STOP_WITHIN_MS = 15_000
const READY_WITHIN_MS = 30_000

let instances = 0

/**
 * Returns when `GET /readyz` on the service's telemetry port answers 200.
 *
 * `env` is all that the process gets: nothing of the caller's environment leaks into a test.
 *
 * @throws StackError when it is not built, a port is taken, it ends early (exit code 78: its
 *   configuration is wrong) or is not ready in time, each with the end of its log.
 */
export async function startService(
  name: ServiceName,
  env: Environment,
  options: ServiceOptions = {},
): Promise<ServiceProcess> {
  const instance = options.instance ?? `${name}-${process.pid}-${++instances}`
  const spec = serviceSpec(name, env, { ...options, instance })
  const { identity, alreadyRunning, exited } = await startDaemon(spec)
  const end = async (signal: NodeJS.Signals): Promise<ServiceExit> => {
    const began = systemClock.now()
    await stopDaemon(spec.pidFile, { signal, withinMs: STOP_WITHIN_MS })
    const ms = systemClock.now() - began
    return { ...(alreadyRunning ? UNKNOWN_EXIT : await exited), ms }
  }
  return {
    pid: identity.pid,
    logFile: spec.logFile,
    alreadyRunning,
    stop: (signal = 'SIGTERM') => end(signal),
    kill: () => end('SIGKILL'),
  }
}

const UNKNOWN_EXIT: Exit = { exitCode: null, signal: null }

function serviceSpec(
  name: ServiceName,
  env: Environment,
  options: ServiceOptions & { readonly instance: string },
): DaemonSpec {
  const { instance, entry = builtEntry(name), readyWithinMs = READY_WITHIN_MS } = options
  const profile = options.profile ?? profileOf('test')
  const telemetryPort = portOf(env, TELEMETRY_PORT[name])
  return {
    label: `the ${name}`,
    pidFile: pidFile(profile, instance),
    logFile: logFile(profile, instance),
    ports: [telemetryPort, ...HTTP_PORT[name].map((variable) => portOf(env, variable))],
    prepare() {
      if (!existsSync(entry)) throw new StackError(`${entry} is missing: run \`make build\`.`)
      // A stack for one person or one test is nobody else's: it listens to this machine alone.
      const local = { LISTEN_ADDRESS: HOST, ...env }
      return { file: process.execPath, args: ['--enable-source-maps', entry], env: local }
    },
    probe: () => probe(telemetryPort),
    readyWithinMs,
  }
}

function builtEntry(name: ServiceName): string {
  return projectPath('dist', 'services', name, 'main.js')
}

interface PortVariable {
  readonly name: string
  readonly otherwise: number
}

const { ports: DEFAULT_PORTS } = profileOf('up')

const TELEMETRY_PORT: Readonly<Record<ServiceName, PortVariable>> = {
  normalizer: { name: 'NORMALIZER_TELEMETRY_PORT', otherwise: DEFAULT_PORTS.normalizerTelemetry },
  dispatcher: { name: 'DISPATCHER_TELEMETRY_PORT', otherwise: DEFAULT_PORTS.dispatcherTelemetry },
  console: { name: 'CONSOLE_TELEMETRY_PORT', otherwise: DEFAULT_PORTS.consoleTelemetry },
}

const HTTP_PORT: Readonly<Record<ServiceName, readonly PortVariable[]>> = {
  normalizer: [{ name: 'NORMALIZER_PORT', otherwise: DEFAULT_PORTS.normalizer }],
  dispatcher: [],
  console: [{ name: 'CONSOLE_PORT', otherwise: DEFAULT_PORTS.console }],
}

function portOf(env: Environment, { name, otherwise }: PortVariable): number {
  return Number(env[name] || otherwise)
}

async function probe(telemetryPort: number): Promise<void> {
  const response = await fetch(`http://${HOST}:${telemetryPort}/readyz`, {
    signal: AbortSignal.timeout(2_000),
  })
  const body = (await response.text()).trim()
  if (response.status !== 200) throw new Error(`GET /readyz answers ${response.status} ${body}`)
}

/**
 * The environment of the services: the caller's, and for what is not there what they need to work
 * with this stack on one machine. A variable counts as there when it or its `_FILE` form has text.
 */
export function serviceEnvironment(profile: Profile, caller: Environment): Environment {
  const env: Record<string, string | undefined> = { ...caller }
  for (const [name, value] of Object.entries(defaults(profile, caller))) {
    if (!isSet(caller, name)) env[name] = value()
  }
  return env
}

/** Names of the variables through which the caller points the services at another stack. */
export function redirected(profile: Profile, caller: Environment): string[] {
  return Object.entries(stackEnvironment(profile))
    .filter(([name, value]) => isSet(caller, name) && caller[name] !== value)
    .map(([name]) => name)
}

function isSet(env: Environment, name: string): boolean {
  return Boolean(env[name]) || Boolean(env[`${name}_FILE`])
}

/** Functions, since the key must not be made when the caller brings one. */
function defaults(profile: Profile, caller: Environment): Record<string, () => string> {
  const { ports } = profile
  const constants = {
    ...stackEnvironment(profile),
    NORMALIZER_PORT: String(ports.normalizer),
    CONSOLE_PORT: String(ports.console),
    NORMALIZER_TELEMETRY_PORT: String(ports.normalizerTelemetry),
    DISPATCHER_TELEMETRY_PORT: String(ports.dispatcherTelemetry),
    CONSOLE_TELEMETRY_PORT: String(ports.consoleTelemetry),
    NORMALIZER_PUBLIC_URL: `http://${HOST}:${caller['NORMALIZER_PORT'] || ports.normalizer}`,
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8,::1/128',
    EGRESS_ALLOW_HTTP: 'true',
  }
  return {
    ...Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, () => value])),
    // Kept, since what is encrypted with it in this profile's database is lost without it.
    SECRETS_KEY: () => madeOnce(join(profile.folder, 'secrets-key'), 'base64'),
    // Kept, so that it is still good in a shell that has read the file.
    OPERATOR_TOKEN: () => madeOnce(operatorTokenFile(profile), 'hex'),
  }
}

/** Holds the operator's token, unless the caller's environment names one. */
export function operatorTokenFile({ folder }: Profile): string {
  return join(folder, 'operator-token')
}

/** 32 random bytes in a file that only its owner can read; the same ones each time. */
function madeOnce(file: string, encoding: 'base64' | 'hex'): string {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, randomBytes(32).toString(encoding), { mode: 0o600 })
  }
  return readFileSync(file, 'utf8')
}
