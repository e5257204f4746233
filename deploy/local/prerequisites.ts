import { spawnSync } from 'node:child_process'
import { projectPath } from '../../services/shared/project-path.ts'
import { StackError } from './stack-error.ts'

export type Program = 'node' | 'java' | 'maven'

/** @throws StackError with one sentence per program that is missing or too old. */
export function requirePrograms(...programs: readonly Program[]): void {
  const script = projectPath('deploy', 'local', 'prerequisites.sh')
  const { status, stderr } = spawnSync('sh', [script, ...programs], { encoding: 'utf8' })
  if (status !== 0) throw new StackError(stderr.trim())
}

/** The program that `prerequisites.sh` has looked at. */
export function javaCommand(): string {
  const home = process.env['JAVA_HOME']
  return home ? `${home}/bin/java` : 'java'
}
