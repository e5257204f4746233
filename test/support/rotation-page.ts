import { projectPath } from '../../services/shared/project-path.ts'
import { blocksOf, runBlocks, type Shell } from './page-shell.ts'

/** "Change a secret" of deploy/README.md, word by word. */

const PAGE = projectPath('deploy/README.md')

export const ROTATIONS = [
  'SECRETS_KEY',
  'OPERATOR_TOKEN',
  'the Postgres password',
  'a Kafka user',
  'a certificate',
] as const
export type Rotation = (typeof ROTATIONS)[number]

/** How many blocks of commands the change has; the one that all changes have in common not counted. */
export function stepsOf(rotation: Rotation): readonly string[] {
  return blocksOf(PAGE, `### Change ${rotation}`)
}

/** `beforeBlock` counts from the first block of the change itself. */
export function runRotation(rotation: Rotation, shell: Shell): Promise<void> {
  const common = blocksOf(PAGE, '## Change a secret')
  const { beforeBlock } = shell
  return runBlocks([...common, ...stepsOf(rotation)], {
    ...shell,
    async beforeBlock(index) {
      if (index >= common.length) await beforeBlock?.(index - common.length)
    },
  })
}
