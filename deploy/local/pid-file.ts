import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { ProcessIdentity } from './process-identity.ts'
import { StackError } from './stack-error.ts'

/** How a later command finds a process again: `make down` knows nothing else of `make up`. */

const content = z.object({ pid: z.number().int().positive(), startedAt: z.string().min(1) })

/**
 * Null when there is no such file.
 *
 * @throws StackError when the file says no process: then nobody can tell whether one runs.
 */
export function readPidFile(file: string): ProcessIdentity | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const parsed = content.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new StackError(
    `${file} names no process: make sure that what it belongs to does not run, then delete it.`,
  )
}

/** Whole or not at all: a reader never sees half a file. */
export function writePidFile(file: string, { pid, startedAt }: ProcessIdentity): void {
  mkdirSync(dirname(file), { recursive: true })
  const partial = `${file}.${process.pid}.partial`
  writeFileSync(partial, `${JSON.stringify({ pid, startedAt })}\n`)
  renameSync(partial, file)
}

export function removePidFile(file: string): void {
  rmSync(file, { force: true })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
