import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { projectPath } from '../../services/shared/project-path.ts'

/** A person says that a store was restored, by the command of the page. Rejects unless it ends with 0. */
export async function confirmRestore(
  env: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<string> {
  const file = projectPath('dist/services/dispatcher/restores/after-restore.js')
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...flags], { env })
  return stdout
}
