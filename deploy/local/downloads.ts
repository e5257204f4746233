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
 * Servers from Maven repositories, fetched once into `.local/servers/`.
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
export async function downloaded(
  download: Download,
  report: (line: string) => void,
): Promise<string> {
  const folder = join(SERVERS_FOLDER, folderName(download))
  if (existsSync(folder)) return folder
  const lock = {
    withinMs: DOWNLOAD_WITHIN_MS,
    onWait: () => report(`waiting for another download before ${download.name}`),
  }
  await withLock(join(SERVERS_FOLDER, 'download.lock'), lock, async () => {
    if (existsSync(folder)) return
    report(`downloading ${download.name} (once)`)
    await fetchInto(folder, download)
  })
  return folder
}

function folderName({ name, inputs }: Download): string {
  return `${name}-${createHash('sha256').update(inputs).digest('hex').slice(0, 8)}`
}

async function fetchInto(folder: string, { name, maven }: Download): Promise<void> {
  requirePrograms('java', 'maven')
  removePartials()
  const partial = `${folder}.partial`
  mkdirSync(partial, { recursive: true })
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
  renameSync(partial, folder)
}

/** What interrupted downloads left; safe, since the caller holds the lock. */
function removePartials(): void {
  for (const entry of readdirSync(SERVERS_FOLDER)) {
    if (entry.endsWith('.partial')) rmSync(join(SERVERS_FOLDER, entry), { recursive: true })
  }
}
