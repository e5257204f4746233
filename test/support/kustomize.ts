import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { Found } from '../../deploy/local/found.ts'
import { toolPath } from './tools-folder.ts'

/**
 * Kustomize: the one of this machine, alone or in kubectl, else built once with Go into
 * `.local/tools/` (about a minute on two cores).
 */
export interface Kustomize {
  readonly command: readonly [string, ...string[]]
}

const VERSION = 'v5.7.1'
const BUILD_WITHIN_MS = 240_000

export function findKustomize(): Found<Kustomize> {
  if (runs('kustomize', ['version'])) return { command: ['kustomize', 'build'] }
  if (runs('kubectl', ['kustomize', '--help'])) return { command: ['kubectl', 'kustomize'] }
  const program = toolPath(`kustomize-${VERSION}/kustomize`)
  if (existsSync(program)) return { command: [program, 'build'] }
  if (!runs('go', ['version'])) return { missing: 'neither kustomize nor kubectl nor Go is here' }
  mkdirSync(dirname(program), { recursive: true })
  const { status, stderr } = spawnSync(
    'go',
    ['install', `sigs.k8s.io/kustomize/kustomize/v5@${VERSION}`],
    {
      env: { ...process.env, GOBIN: dirname(program), CGO_ENABLED: '0' },
      encoding: 'utf8',
      timeout: BUILD_WITHIN_MS,
    },
  )
  if (status === 0) return { command: [program, 'build'] }
  return { missing: `Go could not build kustomize: ${stderr.trim().split('\n').at(-1)}` }
}

/** @throws Error with what kustomize says is wrong in the folder. */
export function build({ command: [file, ...args] }: Kustomize, folder: string): unknown[] {
  const { status, stdout, stderr } = spawnSync(file, [...args, folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`kustomize does not build ${folder}: ${stderr}`)
  return parseAllDocuments(stdout).map((document) => document.toJS())
}

function runs(file: string, args: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore', timeout: 30_000 }).status === 0
}
