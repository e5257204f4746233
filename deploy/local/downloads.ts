import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from './lock.ts'
import { requirePrograms } from './prerequisites.ts'
import { SERVERS_FOLDER } from './profiles.ts'
import { StackError } from './stack-error.ts'

/**
 * Servers that are fetched once into `.local/servers/`, most of them from Maven repositories.
 *
 * A download grows in a folder with another name and is renamed when it is whole, so an
 * interrupted one is never taken for finished. One process downloads at a time: two profiles that
 * start together do not fetch the same 170 MB twice, and Maven's own cache is not made for it.
 */
export interface Download {
  readonly name: string
  /** Goal and properties for Maven, without the output folder. */
  readonly maven: readonly string[]
  /** What decides about the content, such as the text of the pom: when it changes, fetch again. */
  readonly inputs: string
}

export const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.9.0'

const DOWNLOAD_WITHIN_MS = 15 * 60_000

/**
 * The folder with the content; downloads it if it is not there.
 *
 * @throws StackError when Maven is missing or fails, with the end of what it said.
 */
export function downloaded(
  { name, maven, inputs }: Download,
  report: (line: string) => void,
): Promise<string> {
  const hash = createHash('sha256').update(inputs).digest('hex').slice(0, 8)
  return fetchedOnce(`${name}-${hash}`, (partial) => runMaven(name, maven, partial), report)
}

/**
 * The folder with what `fetch` puts into it, fetched if it is not there.
 *
 * @throws what `fetch` throws; the next call tries again.
 */
export async function fetchedOnce(
  name: string,
  fetch: (folder: string) => Promise<void>,
  report: (line: string) => void,
): Promise<string> {
  const folder = join(SERVERS_FOLDER, name)
  if (existsSync(folder)) return folder
  const lock = {
    withinMs: DOWNLOAD_WITHIN_MS,
    onWait: () => report(`waiting for another download before ${name}`),
  }
  mkdirSync(SERVERS_FOLDER, { recursive: true })
  await withLock(join(SERVERS_FOLDER, 'download.lock'), lock, async () => {
    if (existsSync(folder)) return
    report(`downloading ${name} (once)`)
    removePartials()
    const partial = `${folder}.partial`
    mkdirSync(partial, { recursive: true })
    await fetch(partial)
    renameSync(partial, folder)
  })
  return folder
}

async function runMaven(name: string, maven: readonly string[], partial: string): Promise<void> {
  requirePrograms('java', 'maven')
  try {
    await promisify(execFile)(
      'mvn',
      ['-q', '-B', '-Dstyle.color=never', ...maven, `-DoutputDirectory=${partial}`],
      {
        cwd: partial,
        maxBuffer: 64 * 1024 * 1024,
      },
    )
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    const said = `${stdout}${stderr}`.trim().split('\n').slice(0, 12).join('\n')
    throw new StackError(`Maven could not download ${name}. It said:\n${said}`, { cause: error })
  }
}

/** What interrupted downloads left; safe, since the caller holds the lock. */
function removePartials(): void {
  for (const entry of readdirSync(SERVERS_FOLDER)) {
    if (entry.endsWith('.partial')) rmSync(join(SERVERS_FOLDER, entry), { recursive: true })
  }
}
