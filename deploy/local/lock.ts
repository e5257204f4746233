import { randomUUID } from 'node:crypto'
import { linkSync, renameSync, rmSync } from 'node:fs'
import { systemClock } from '../../services/shared/clock.ts'
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts'
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts'
import { StackError } from './stack-error.ts'

/**
 * A file that one process holds at a time, with the holder's identity in it. The lock of a process
 * that died is free: whoever comes next takes it over, nobody has to delete anything.
 */
export interface Lock {
  release(): void
}

export type LockAttempt =
  | { readonly kind: 'acquired'; readonly lock: Lock }
  | { readonly kind: 'held'; readonly holder: ProcessIdentity }

const POLL_MS = 100

export function tryLock(file: string): LockAttempt {
  const mine = `${file}.${randomUUID()}`
  writePidFile(mine, ownIdentity())
  try {
    for (;;) {
      if (linkIfAbsent(mine, file)) {
        return { kind: 'acquired', lock: { release: () => removePidFile(file) } }
      }
      const holder = readPidFile(file)
      if (holder !== null && isRunning(holder)) return { kind: 'held', holder }
      if (holder !== null) discardStale(file, holder)
    }
  } finally {
    removePidFile(mine)
  }
}

export interface LockWait {
  /** Milliseconds until waiting ends with an error. */
  readonly withinMs: number
  /** Called once, when another process holds the lock. */
  readonly onWait: (holder: ProcessIdentity) => void
}

/** @throws StackError when another process still holds the lock after `withinMs`. */
export async function withLock<T>(
  file: string,
  { withinMs, onWait }: LockWait,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await waitForLock(file, { withinMs, onWait })
  try {
    return await work()
  } finally {
    lock.release()
  }
}

async function waitForLock(file: string, { withinMs, onWait }: LockWait): Promise<Lock> {
  const deadline = systemClock.now() + withinMs
  for (let waited = false; ; waited = true) {
    const attempt = tryLock(file)
    if (attempt.kind === 'acquired') return attempt.lock
    if (!waited) onWait(attempt.holder)
    if (systemClock.now() > deadline) {
      throw new StackError(
        `Process ${attempt.holder.pid} has held ${file} for ${withinMs / 1000} s: ` +
          'wait for it or end it, then try again.',
      )
    }
    await systemClock.sleep(POLL_MS)
  }
}

/** A link appears with its whole content at once; a file that is created first is empty for a moment. */
function linkIfAbsent(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Two processes may find the same dead holder; the slower one would then delete the lock that the
 * faster one has just taken. So the file is moved aside first and put back if it is not the dead one.
 */
function discardStale(file: string, dead: ProcessIdentity): void {
  const aside = `${file}.${randomUUID()}`
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return // the other one was faster
    throw error
  }
  const moved = readPidFile(aside)
  if (moved?.pid !== dead.pid || moved.startedAt !== dead.startedAt) linkIfAbsent(aside, file)
  rmSync(aside, { force: true })
}
