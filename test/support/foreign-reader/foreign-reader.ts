import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { projectPath } from '../../../services/shared/project-path.ts'

/** Confluent's Python client with a copy of nothing of ours, in a virtual environment of its own. */
export type ForeignReader =
  | { readonly kind: 'ready'; readonly python: string }
  /** Whoever has no Python, or is not on line, can still run all other tests. */
  | { readonly kind: 'missing'; readonly reason: string }

const HERE = projectPath('test', 'support', 'foreign-reader')
const HOME = projectPath('.local', 'foreign-reader')
const REQUIREMENTS = join(HERE, 'requirements.txt')
/** Copied there last, so that an installation that was cut off is made again. */
const INSTALLED = join(HOME, 'requirements.txt')

/** Installs at most once per version of the requirements; about 10 s and 90 MB. */
export function prepareForeignReader(): ForeignReader {
  const python = join(HOME, 'bin', 'python')
  if (isInstalled()) return { kind: 'ready', python }
  rmSync(HOME, { recursive: true, force: true })
  mkdirSync(HOME, { recursive: true })
  const problem =
    problemOf('python3', ['-m', 'venv', HOME]) ??
    problemOf(python, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--retries',
      '1',
      '--requirement',
      REQUIREMENTS,
    ])
  if (problem !== null) return { kind: 'missing', reason: problem }
  copyFileSync(REQUIREMENTS, INSTALLED)
  return { kind: 'ready', python }
}

function isInstalled(): boolean {
  return (
    existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === readFileSync(REQUIREMENTS, 'utf8')
  )
}

function problemOf(program: string, args: readonly string[]): string | null {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 })
  if (error) return `${program}: ${error.message}`
  if (status === 0) return null
  return `${program} ${args.slice(0, 3).join(' ')}: ${stderr.trim().split('\n').at(-1)}`
}

const line = z.object({ key: z.string(), event: z.record(z.string(), z.unknown()) })

export type ForeignEvent = z.infer<typeof line>

export interface ForeignRead {
  readonly brokers: string
  readonly registryUrl: string
  readonly topic: string
  readonly count: number
}

/** The first events of the topic as the other language sees them. @throws with what it printed. */
export function readEvents(python: string, read: ForeignRead): readonly ForeignEvent[] {
  const { brokers, registryUrl, topic, count } = read
  const { status, stdout, stderr } = spawnSync(
    python,
    [join(HERE, 'read_events.py'), brokers, registryUrl, topic, String(count)],
    { encoding: 'utf8', timeout: 60_000 },
  )
  if (status !== 0) throw new Error(`the foreign reader ended with ${status}: ${stderr}`)
  return stdout
    .trimEnd()
    .split('\n')
    .map((text) => line.parse(JSON.parse(text)))
}
