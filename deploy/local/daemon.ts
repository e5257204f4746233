import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemClock } from '../../services/shared/clock.ts'
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts'
import { requireFreePort } from './ports.ts'
import { identify, isFrozen, isRunning, type ProcessIdentity } from './process-identity.ts'
import { StackError } from './stack-error.ts'

/**
 * A process that outlives the command which starts it. Its pid file is the only thing that later
 * commands know of it; no signal is ever sent to a pid that now belongs to another program.
 */

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly env: NodeJS.ProcessEnv
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

export interface DaemonSpec {
  /** As people call it, for messages: `Kafka`. */
  readonly label: string
  readonly pidFile: string
  /** Output of the process; the file of the previous run is kept beside it as `….1`. */
  readonly logFile: string
  readonly ports: readonly number[]
  /** Makes whatever the process needs, and says how to start it. Not called when it runs already. */
  readonly prepare: () => Promise<Command> | Command
  /** Rejects as long as the process does not serve. Must bound its own time. */
  readonly probe: () => Promise<void>
  readonly readyWithinMs: number
}

export interface Exit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Daemon {
  readonly identity: ProcessIdentity
  readonly alreadyRunning: boolean
  /** How it ended. Never settles for a process that another command started: nobody tells us. */
  readonly exited: Promise<Exit>
}

export type Stopped = 'stopped' | 'killed' | 'not-running'

const POLL_MS = 50

/**
 * Returns when the process serves. Harmless when it runs already: then only waits until it serves.
 *
 * @throws StackError when a port is taken, when the process ends early or does not serve in time;
 *   the last two with the end of its log, and the process is not left behind.
 */
export async function startDaemon(spec: DaemonSpec): Promise<Daemon> {
  const known = readPidFile(spec.pidFile)
  if (known !== null && isRunning(known)) {
    await untilReady(spec, known, async () => null)
    return { identity: known, alreadyRunning: true, exited: new Promise(() => {}) }
  }
  for (const port of spec.ports) await requireFreePort(port, spec.label)
  return launch(spec, await spec.prepare())
}

async function launch(spec: DaemonSpec, command: Command): Promise<Daemon> {
  const child = await spawnDetached(spec, command)
  const identity = identify(child.pid ?? 0)
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
  if (identity === null) throw notReady(spec, `ended at once (${describe(await exited)})`)
  writePidFile(spec.pidFile, identity)
  try {
    await untilReady(spec, identity, () => exited)
  } catch (error) {
    await stopDaemon(spec.pidFile, { signal: 'SIGKILL', withinMs: 5_000 })
    throw error
  }
  return { identity, alreadyRunning: false, exited }
}

async function spawnDetached({ logFile }: DaemonSpec, command: Command): Promise<ChildProcess> {
  mkdirSync(dirname(logFile), { recursive: true })
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`)
  const log = openSync(logFile, 'a')
  try {
    const child = spawn(command.file, command.args, {
      // A group of its own: Ctrl-C in the terminal reaches the command, which then stops in order.
      detached: true,
      stdio: ['ignore', log, log],
      env: command.env,
      ...command.user,
    })
    await once(child, 'spawn')
    child.unref()
    return child
  } finally {
    closeSync(log)
  }
}

async function untilReady(
  spec: DaemonSpec,
  identity: ProcessIdentity,
  /** Asked once the process is gone; the system tells that before Node tells how it ended. */
  howItEnded: () => Promise<Exit | null>,
): Promise<void> {
  const deadline = systemClock.now() + spec.readyWithinMs
  for (;;) {
    const problem = await probeProblem(spec)
    if (!isRunning(identity)) throw notReady(spec, `ended (${describe(await howItEnded())})`)
    if (problem === null) return
    if (systemClock.now() > deadline) {
      throw notReady(spec, `did not serve within ${spec.readyWithinMs / 1000} s (${problem})`)
    }
    await systemClock.sleep(POLL_MS)
  }
}

async function probeProblem({ probe }: DaemonSpec): Promise<string | null> {
  try {
    await probe()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function describe(exit: Exit | null): string {
  if (exit === null) return 'reason unknown'
  return exit.signal === null ? `exit code ${exit.exitCode}` : `killed by ${exit.signal}`
}

function notReady({ label, logFile }: DaemonSpec, what: string): StackError {
  return new StackError(`${label} ${what}. The end of ${logFile}:\n${lastLines(logFile)}`)
}

const LINES_SHOWN = 15

function lastLines(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines
    .slice(-LINES_SHOWN)
    .map((line) => `  ${line}`)
    .join('\n')
}

export interface StopOptions {
  readonly signal: NodeJS.Signals
  /** Milliseconds until SIGKILL. */
  readonly withinMs: number
}

/** Stops the process of this pid file and removes the file. */
export async function stopDaemon(file: string, options: StopOptions): Promise<Stopped> {
  const identity = readPidFile(file)
  const stopped = identity === null ? 'not-running' : await stopProcess(identity, options)
  removePidFile(file)
  return stopped
}

async function stopProcess(
  identity: ProcessIdentity,
  { signal, withinMs }: StopOptions,
): Promise<Stopped> {
  if (!signalled(identity, signal)) return 'not-running'
  // Frozen, it would take no notice until SIGKILL.
  signalled(identity, 'SIGCONT')
  const deadline = systemClock.now() + withinMs
  while (isRunning(identity) && systemClock.now() < deadline) await systemClock.sleep(POLL_MS)
  if (!signalled(identity, 'SIGKILL')) return signal === 'SIGKILL' ? 'killed' : 'stopped'
  while (isRunning(identity)) await systemClock.sleep(POLL_MS)
  return 'killed'
}

/**
 * The process keeps its memory, ports and connections and gets no turn, like a machine that hangs.
 *
 * @throws StackError when it does not run.
 */
export async function freezeDaemon(file: string): Promise<void> {
  const identity = signalRunning(file, 'SIGSTOP')
  while (isRunning(identity) && !isFrozen(identity)) await systemClock.sleep(1)
}

/**
 * It goes on where it was frozen; harmless when it was not.
 *
 * @throws StackError when it does not run.
 */
export async function thawDaemon(file: string): Promise<void> {
  const identity = signalRunning(file, 'SIGCONT')
  while (isFrozen(identity)) await systemClock.sleep(1)
}

function signalRunning(file: string, signal: NodeJS.Signals): ProcessIdentity {
  const identity = readPidFile(file)
  if (identity !== null && signalled(identity, signal)) return identity
  throw new StackError(`${file} names no running process that could get ${signal}.`)
}

/** False when it does not run any more. */
function signalled(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false
  try {
    process.kill(identity.pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
