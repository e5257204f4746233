import { type Command, type Stopped, startDaemon, stopDaemon } from './daemon.ts'
import { logFile, type Profile, pidFile } from './profiles.ts'

/** What is particular to one server; starting, waiting and stopping are the same for all. */
export interface Server {
  /** Of its process: what its log and its pid file are called. */
  readonly name: string
  readonly label: string
  readonly ports: readonly number[]
  /** Fetches and formats what is not there yet. Safe to repeat after an interruption. */
  readonly prepare: () => Promise<Command>
  /** Asks the server something real; rejects, within about two seconds, as long as it fails. */
  readonly probe: () => Promise<void>
  /** Done once it serves: what others need in it. Safe to repeat. */
  readonly settle?: () => Promise<void>
  readonly readyWithinMs: number
  /** Which signal ends it in order, and how long that may take before SIGKILL. */
  readonly stop: { readonly signal: NodeJS.Signals; readonly withinMs: number }
}

export type Report = (line: string) => void

export async function startServer(profile: Profile, server: Server, report: Report): Promise<void> {
  const { identity, alreadyRunning } = await startDaemon({
    ...server,
    pidFile: pidFile(profile, server.name),
    logFile: logFile(profile, server.name),
  })
  await server.settle?.()
  report(`${server.label} ${alreadyRunning ? 'already runs' : 'runs'} (process ${identity.pid})`)
}

export function stopServer(
  profile: Profile,
  { name, stop }: Server,
  signal = stop.signal,
): Promise<Stopped> {
  return stopDaemon(pidFile(profile, name), { signal, withinMs: stop.withinMs })
}
