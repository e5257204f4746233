import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unpackDebianPackages } from '../../../deploy/local/debian-packages.ts'
import { DEPENDENCY_PLUGIN } from '../../../deploy/local/downloads.ts'
import type { Found } from '../../../deploy/local/found.ts'
import { javaCommand } from '../../../deploy/local/prerequisites.ts'
import { projectPath } from '../../../services/shared/project-path.ts'

/** A program with the arguments and variables that every call of it has. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * What is here needs more than the readers themselves: fetched from the registries of their languages
 * into `.local/readers/`, once per version of what is asked for.
 */
const READERS = projectPath('schemas', 'readers')
const INSTALL_WITHIN_MS = 200_000
const RUN_WITHIN_MS = 60_000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024
const run = promisify(execFile)

/** Python with the clients of both requirement files; about 270 MB. */
export function preparePython(): Promise<Found<Command>> {
  const files = ['python', 'duckdb'].map((name) => join(READERS, name, 'requirements.txt'))
  const inputs = files.map((file) => readFileSync(file, 'utf8')).join('')
  return prepare('python', inputs, async (folder) => {
    const python = join(folder, 'bin', 'python')
    const wanted = files.flatMap((file) => ['--requirement', file])
    await install('python3', ['-m', 'venv', folder])
    // Compiling all that is installed takes longer than compiling the part that is imported.
    const options = ['--quiet', '--disable-pip-version-check', '--retries', '1', '--no-compile']
    await install(python, ['-m', 'pip', 'install', ...options, ...wanted])
    return { file: python, args: [], env: { PYTHONDONTWRITEBYTECODE: '1' } }
  })
}

/** Java with the libraries of the pom; it compiles the one source file by itself. */
export function prepareJvm(): Promise<Found<Command>> {
  const pom = join(READERS, 'jvm', 'pom.xml')
  const source = join(READERS, 'jvm', 'src', 'main', 'java', 'ReadCallEvents.java')
  return prepare('jvm', readFileSync(pom, 'utf8'), async (folder) => {
    const goal = [`${DEPENDENCY_PLUGIN}:copy-dependencies`, `-DoutputDirectory=${folder}`]
    await install('mvn', ['-q', '-B', '-Dstyle.color=never', '-f', pom, ...goal])
    return { file: javaCommand(), args: ['-cp', join(folder, '*'), source], env: {} }
  })
}

const KCAT_PACKAGES = ['kcat', 'librdkafka1', 'libyajl2']

/** The shell script with the machine's kcat, or with Debian's, unpacked and not installed. */
export async function prepareKcat(): Promise<Found<Command>> {
  const script = join(READERS, 'kcat', 'calls.sh')
  const isInstalled = await run('kcat', ['-V']).then(
    () => true,
    () => false,
  )
  if (isInstalled) return { file: 'sh', args: [script], env: {} }
  return prepare('kcat', KCAT_PACKAGES.join(), async (folder) => {
    await unpackDebianPackages(folder, KCAT_PACKAGES)
    const libraries = join(folder, 'usr', 'lib')
    const [architecture = ''] = readdirSync(libraries)
    const env = {
      PATH: `${join(folder, 'usr', 'bin')}:${process.env['PATH']}`,
      LD_LIBRARY_PATH: join(libraries, architecture),
    }
    await run('kcat', ['-V'], { env: { ...process.env, ...env } })
    return { file: 'sh', args: [script], env }
  })
}

/**
 * The command that an installation ended with is written down last, so one that was cut off is made
 * again.
 */
async function prepare(
  name: string,
  inputs: string,
  fetchInto: (folder: string) => Promise<Command>,
): Promise<Found<Command>> {
  const version = createHash('sha256').update(inputs).digest('hex').slice(0, 8)
  const folder = projectPath('.local', 'readers', `${name}-${version}`)
  const installed = join(folder, 'command.json')
  if (existsSync(installed)) {
    return JSON.parse(readFileSync(installed, 'utf8')) as Command
  }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  try {
    const command = await fetchInto(folder)
    writeFileSync(installed, JSON.stringify(command))
    return command
  } catch (error) {
    return { missing: `${name}: ${lastLine(error)}` }
  }
}

async function install(file: string, args: readonly string[]): Promise<void> {
  await run(file, args, { timeout: INSTALL_WITHIN_MS, maxBuffer: OUTPUT_BYTES_MAX })
}

function lastLine(error: unknown): string {
  const {
    message,
    stderr = '',
    stdout = '',
  } = error as Error & { stderr?: string; stdout?: string }
  return `${stdout}\n${stderr}`.trim().split('\n').at(-1) || message
}

/** What it printed. @throws with what it complained of, when it fails. */
export async function printed(
  { file, args, env }: Command,
  more: readonly string[],
  cwd?: string,
): Promise<string> {
  const options = { cwd, timeout: RUN_WITHIN_MS, maxBuffer: OUTPUT_BYTES_MAX }
  const { stdout } = await run(file, [...args, ...more], {
    ...options,
    env: { ...process.env, ...env },
  })
  return stdout
}

export function script(folder: 'python' | 'duckdb', name: string): string {
  return join(READERS, folder, name)
}
