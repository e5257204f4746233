import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { projectPath } from '../../services/shared/project-path.ts'

/** Tests start the built services: after a change without a build they would judge yesterday's. */
export function requireFreshBuild(): void {
  const source = newest(projectPath('services'), '.ts')
  const built = newest(projectPath('dist', 'services'), '.js')
  if (source > built) throw new Error('services/ is newer than dist/: run `make build` first.')
}

/** When the newest file with this ending was written; 0 without any. The page is not looked at. */
function newest(folder: string, ending: string): number {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'web')
  const times = entries.map((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return newest(path, ending)
    return entry.name.endsWith(ending) ? statSync(path).mtimeMs : 0
  })
  return Math.max(0, ...times)
}
