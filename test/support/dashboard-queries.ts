import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectPath } from '../../services/shared/project-path.ts'

const DASHBOARDS = projectPath('deploy', 'grafana', 'dashboards')

/** Every query of every panel, as Grafana finds them in the generated files. */
export function dashboardQueries(): string[] {
  return readdirSync(DASHBOARDS)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => exprsIn(JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8'))))
}

function exprsIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'expr' && typeof value === 'string' ? [value] : exprsIn(value),
  )
}
