import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { projectPath } from '../../services/shared/project-path.ts'

/** Makes the topics as in production, by the job of its own. Rejects unless it ends with 0. */
export async function runTopicsJob(env: Readonly<Record<string, string>>): Promise<void> {
  const program = projectPath('dist', 'services', 'topics', 'main.js')
  await promisify(execFile)(process.execPath, [program], { env: { ...env } })
}
