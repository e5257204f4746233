import type { Command } from './daemon.ts'
import type { ServerName } from './profiles.ts'

/** What is particular to one server; starting, waiting and stopping are the same for all. */
export interface Server {
  readonly name: ServerName
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
