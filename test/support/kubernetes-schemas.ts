import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import type { Found } from '../../deploy/local/found.ts'
import { toolPath } from './tools-folder.ts'

/**
 * The schemas of Kubernetes' own kinds, in the strict form that refuses fields which it does not know. They come
 * from the wheel of `kubernetes-validate` (PyPI), fetched once; Ajv asks them, which spares
 * installing 17,000 files for a Python program.
 */
export interface KubernetesSchemas {
  /** What is wrong with the object, empty if nothing is; null for a kind that Kubernetes does not have. */
  problemsOf(manifest: { apiVersion: string; kind: string }): readonly string[] | null
}

const WHEEL = 'kubernetes-validate==1.37.0'
const KUBERNETES = 'v1.34.0'
const FETCH_WITHIN_MS = 120_000

export function findKubernetesSchemas(): Found<KubernetesSchemas> {
  const folder = toolPath(`kubernetes-${KUBERNETES}`)
  if (!existsSync(folder)) {
    const problem = fetchInto(folder)
    if (problem !== null) return { missing: problem }
  }
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(readSchema(join(folder, '_definitions.json')), '/api/_definitions.json')
  return {
    problemsOf(manifest) {
      const file = join(folder, `${fileName(manifest)}.json`)
      if (!existsSync(file)) return null
      if (ajv.validate(readSchema(file), manifest)) return []
      return (ajv.errors ?? []).map(({ instancePath, message, params }) =>
        `${instancePath} ${message} ${JSON.stringify(params)}`.trim(),
      )
    },
  }
}

/** `deployment-apps-v1`, `networkpolicy-networking-v1`, `service-v1`. */
function fileName({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  const [version = '', group] = apiVersion.split('/').reverse()
  return [kind.toLowerCase(), ...(group ? [group.split('.')[0]] : []), version].join('-')
}

const UNPACK = `
import glob, os, sys, zipfile
wheel, = glob.glob(os.path.join(sys.argv[1], '*.whl'))
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if '/${KUBERNETES}-local-strict/' in name and name.endswith('.json'):
            with open(os.path.join(sys.argv[1], os.path.basename(name)), 'wb') as file:
                file.write(archive.read(name))
os.remove(wheel)
`

/** Grows under another name: an interrupted download is never taken for whole. */
function fetchInto(folder: string): string | null {
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const steps = [
    ['-m', 'pip', 'download', '-q', '--no-deps', '-d', partial, WHEEL],
    ['-c', UNPACK, partial],
  ]
  for (const args of steps) {
    const { status, stderr } = spawnSync('python3', args, {
      encoding: 'utf8',
      timeout: FETCH_WITHIN_MS,
    })
    if (status !== 0) return `python3 could not fetch ${WHEEL}: ${stderr?.trim().slice(-300)}`
  }
  renameSync(partial, folder)
  return null
}

/** Without the names of dialect and schema: Ajv would fetch the first, and refuse to learn the second twice. */
function readSchema(file: string): Record<string, unknown> {
  const { $schema: _, $id: __, ...schema } = JSON.parse(readFileSync(file, 'utf8'))
  return schema
}
