import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { projectPath } from '../../services/shared/project-path.ts'
import type { Product } from './product.ts'

/** A person says that a store was restored, by the command of the page. Rejects unless it ends with 0. */
export async function confirmRestore(
  env: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<string> {
  const file = projectPath('dist/services/dispatcher/restores/after-restore.js')
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...flags], { env })
  return stdout
}

/** A process that waits never becomes ready, so the longer time is for a machine on which it starts slowly. */
const SAYS_WITHIN_MS = [5_000, 30_000]

/** What a dispatcher says at `/readyz` that waits at its start. @throws unless it answers 503. */
export async function saidByWaiting(product: Pick<Product, 'start'>): Promise<string> {
  let last = 'it is ready'
  for (const readyWithinMs of SAYS_WITHIN_MS) {
    try {
      await product.start('dispatcher', {}, { readyWithinMs })
      break
    } catch (error) {
      last = (error as Error).message
      if (last.includes('answers 503')) return last
    }
  }
  throw new Error(`the dispatcher did not say why it waits: ${last}`)
}
