import { join } from 'node:path'
import { projectPath } from '../../services/shared/project-path.ts'

/** Where tests keep programs and schemas that they fetched once. */
export const TOOLS_FOLDER = projectPath('.local', 'tools')

/** Its name carries the version, so that a newer one is fetched anew. */
export function toolPath(name: string): string {
  return join(TOOLS_FOLDER, name)
}
