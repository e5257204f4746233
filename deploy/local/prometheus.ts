import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { projectPath } from '../../services/shared/project-path.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { unpackDebianPackages } from './debian-packages.ts'
import { fetchedOnce } from './downloads.ts'
import type { Found } from './found.ts'
import { HOST, type ServiceName } from './profiles.ts'
import type { Report } from './server.ts'
import { StackError } from './stack-error.ts'

/**
 * Prometheus without Docker: from PATH, otherwise out of Debian's package, unpacked into
 * `.local/servers/` and not installed.
 *
 * The package, since its two programs need nothing but libc, and it is there in two seconds; a build
 * through Go's module proxy takes minutes and a newer Go than Debian has. Its web pages lie outside
 * of the programs, in `/usr/share`, so that without an installation only the API answers.
 */
export interface PrometheusPrograms {
  readonly prometheus: string
  readonly promtool: string
}

/** The rules that `make up`, docker-compose.yml and the tests load. */
export const RULES_FOLDER = projectPath('deploy', 'prometheus', 'rules')

const HOW_TO_GET_IT =
  'get it with `sudo apt-get update && sudo apt-get install -y prometheus` (Debian, Ubuntu)' +
  ' or `brew install prometheus` (macOS)'

const SILENT: Report = () => {}

/** If it is missing, with the command that gets it; never throws because of that. */
export async function findPrometheus(report: Report = SILENT): Promise<Found<PrometheusPrograms>> {
  const installed = onPath('prometheus')
  const tool = onPath('promtool')
  if (installed !== null && tool !== null) return { prometheus: installed, promtool: tool }
  try {
    const folder = await fetchedOnce('prometheus-debian', unpackPackage, report)
    return { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { missing: `Prometheus is not installed and ${reason}; ${HOW_TO_GET_IT}` }
  }
}

function onPath(program: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, program)).find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function unpackPackage(folder: string): Promise<void> {
  const unpacked = join(folder, 'unpacked')
  mkdirSync(unpacked)
  await unpackDebianPackages(unpacked, ['prometheus'])
  for (const program of ['prometheus', 'promtool']) {
    renameSync(join(unpacked, 'usr', 'bin', program), join(folder, program))
    // A package of another distribution may want libraries that are not here.
    await promisify(execFile)(join(folder, program), ['--version'])
  }
  rmSync(unpacked, { recursive: true })
}

export interface ScrapeOptions {
  /** Telemetry ports on this machine, by the job that they are scraped as. */
  readonly targets: Readonly<Record<string, readonly number[]>>
  /** Between two scrapes, and between two evaluations of the rules. */
  readonly everySeconds: number
  /** Rule files, absolute; may hold `*`. By default all of the project. */
  readonly ruleFiles?: readonly string[]
}

/** A configuration file's text: JSON, which is YAML. */
export function scrapeConfig({ targets, everySeconds, ruleFiles }: ScrapeOptions): string {
  const interval = `${everySeconds}s`
  return JSON.stringify(
    {
      global: {
        scrape_interval: interval,
        scrape_timeout: interval,
        evaluation_interval: interval,
      },
      rule_files: ruleFiles ?? [join(RULES_FOLDER, '*.yml')],
      scrape_configs: Object.entries(targets).map(([job, ports]) => ({
        job_name: job,
        static_configs: [{ targets: ports.map((port) => `${HOST}:${port}`) }],
      })),
    },
    null,
    2,
  )
}

/** Where the three services tell their metrics, out of their environment. */
export function telemetryPorts(
  env: Readonly<Record<string, string | undefined>>,
): Record<ServiceName, number[]> {
  const ports = (name: string) => [Number(env[`${name}_TELEMETRY_PORT`])]
  return {
    normalizer: ports('NORMALIZER'),
    dispatcher: ports('DISPATCHER'),
    console: ports('CONSOLE'),
  }
}

export interface PrometheusOptions {
  readonly port: number
  readonly configFile: string
  readonly dataDir: string
  readonly pidFile: string
  readonly logFile: string
}

/**
 * Serves the API on the port, on this machine only. Stop it with `stopDaemon(pidFile, …)`; in a
 * profile's own pid folder it is stopped along with the profile.
 *
 * @throws StackError when the port is taken, or it does not serve: most often a mistake in the rules.
 */
export function startPrometheus(
  { prometheus }: PrometheusPrograms,
  { port, configFile, dataDir, pidFile, logFile }: PrometheusOptions,
): Promise<Daemon> {
  return startDaemon({
    label: 'Prometheus',
    pidFile,
    logFile,
    ports: [port],
    prepare() {
      if (!existsSync(configFile)) throw new StackError(`${configFile} is missing.`)
      mkdirSync(dataDir, { recursive: true })
      const args = [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${dataDir}`,
        `--web.listen-address=${HOST}:${port}`,
        // Long enough for the rules that compare with a week ago.
        '--storage.tsdb.retention.time=15d',
      ]
      return { file: prometheus, args, env: { ...process.env } }
    },
    probe: () => probe(port),
    readyWithinMs: 30_000,
  })
}

async function probe(port: number): Promise<void> {
  const response = await fetch(`http://${HOST}:${port}/-/ready`, {
    signal: AbortSignal.timeout(2_000),
  })
  await response.body?.cancel()
  if (response.status !== 200) throw new Error(`GET /-/ready answers ${response.status}`)
}
