import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'

/** What commands of a page printed and how they ended. */
export interface Ran {
  readonly exitCode: number
  /** Both outputs, as a terminal shows them. */
  readonly printed: string
}

/** As long as a page may let a person wait for one block of commands. */
const ENDS_WITHIN_MS = 180_000

/**
 * Runs commands as they stand. A command that fails, also within a pipe, and a variable that is not
 * set end them: a person would stop and wonder. In a folder where nothing of the project is.
 */
export function runCommands(
  commands: string,
  { preamble, env }: { readonly preamble: string; readonly env: Readonly<Record<string, string>> },
): Promise<Ran> {
  const script = `set -euo pipefail\n${preamble}\n${commands}`
  const child = spawn('bash', ['-c', script], {
    cwd: tmpdir(),
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: ENDS_WITHIN_MS,
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({ exitCode: code ?? -1, printed: Buffer.concat(chunks).toString('utf8') }),
    )
  })
}
