import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/**
 * A process, told apart from a later one that got the same number: the kernel hands out pids
 * again, and a signal by number alone would sooner or later end somebody else's program.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in the words of the system: only ever compared for equality. */
  readonly startedAt: string
}

/** The process with this number as it runs now; null when there is none. */
export function identify(pid: number): ProcessIdentity | null {
  const found = find(pid)
  return found === null || found.hasEnded ? null : { pid, startedAt: found.startedAt }
}

/** This very process. */
export function ownIdentity(): ProcessIdentity {
  const own = identify(process.pid)
  if (own === null) throw new Error('this process is not listed by the system that runs it')
  return own
}

export function isRunning(known: ProcessIdentity): boolean {
  return identify(known.pid)?.startedAt === known.startedAt
}

/** Whether it is there and gets no turn, since somebody sent it SIGSTOP. */
export function isFrozen(known: ProcessIdentity): boolean {
  const found = find(known.pid)
  return found?.startedAt === known.startedAt && found.isFrozen
}

function find(pid: number): Found | null {
  return existsSync('/proc/self/stat') ? fromProc(pid) : fromPs(pid)
}

interface Found {
  readonly hasEnded: boolean
  readonly isFrozen: boolean
  readonly startedAt: string
}

/**
 * Fields 3, 20 and 22 of proc_pid_stat(5).
 *
 * A zombie has ended and only waits to be collected. Where process 1 collects nobody, as in many
 * containers, it stays for ever: taken for alive, every stop would wait until its deadline. But
 * while a thread of it still ends, its ports are taken, and a restart would trip over them.
 */
function fromProc(pid: number): Found | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null // no such process
  }
  // The command in parentheses may hold spaces and parentheses itself: count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads, startedAt] = [fields[0], fields[17], fields[19]]
  if (startedAt === undefined) return null
  const hasEnded = state === 'X' || (state === 'Z' && Number(threads) <= 1)
  return { hasEnded, isFrozen: state === 'T', startedAt }
}

/** macOS and the BSDs have no /proc. */
function fromPs(pid: number): Found | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    const [state = '', ...startedAt] = line.split(/\s+/)
    const [hasEnded, isFrozen] = [state.startsWith('Z'), state.startsWith('T')]
    return { hasEnded, isFrozen, startedAt: startedAt.join(' ') }
  } catch {
    return null // ps fails when no process matches
  }
}
