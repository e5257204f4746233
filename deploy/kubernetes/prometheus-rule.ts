import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { projectPath } from '../../services/shared/project-path.ts'

/**
 * The rules of `deploy/prometheus/rules` as the object that the Prometheus Operator reads:
 *
 *   npx tsx deploy/kubernetes/prometheus-rule.ts
 *
 * Kustomize cannot put a file into an object, so the result is kept beside the other manifests; a test
 * fails when it no longer says what the rules say.
 */
const RULES_FOLDER = projectPath('deploy', 'prometheus', 'rules')
export const PRODUCT = projectPath('deploy/kubernetes/components/prometheus-operator', 'rules.yaml')
const HEAD = '# Made from deploy/prometheus/rules by deploy/kubernetes/prometheus-rule.ts.\n'

/** @throws Error naming a file that holds no rule groups. */
export function prometheusRule(folder = RULES_FOLDER): string {
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))
    : []
  const groups = files.sort().flatMap((name) => readGroups(join(folder, name)))
  const object = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'call-webhook', namespace: 'call-webhook' },
    spec: { groups },
  }
  return HEAD + stringify(object, { lineWidth: 0 })
}

function readGroups(file: string): readonly unknown[] {
  const content: unknown = parse(readFileSync(file, 'utf8'))
  const groups = (content as { groups?: unknown } | null)?.groups
  if (Array.isArray(groups)) return groups
  throw new Error(`${file} has no list of groups: is it a rule file of Prometheus?`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PRODUCT, prometheusRule())
