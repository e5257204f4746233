import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** Names of the migrations in a folder, in their order, as the database remembers them. */
export function migrationNames(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => basename(file, '.sql'))
    .sort()
}

/**
 * What a file does: its text in a transaction, or statements one by one without any.
 *
 * An index of a large table is built `concurrently`, beside the traffic, which Postgres does not do in a
 * transaction. If that file is cut off, all of it is done again, so it drops what half a run has left.
 */
export type MigrationSteps =
  | { readonly kind: 'transaction'; readonly text: string }
  | { readonly kind: 'one_by_one'; readonly statements: readonly string[] }

export function readMigration(path: string): MigrationSteps {
  return migrationSteps(readFileSync(path, 'utf8'))
}

export function migrationSteps(text: string): MigrationSteps {
  const code = withoutComments(text)
  if (!/\bconcurrently\b/i.test(code)) return { kind: 'transaction', text }
  return { kind: 'one_by_one', statements: statementsOf(code) }
}

function withoutComments(text: string): string {
  return text.replace(/--.*$/gm, '')
}

/** Not for bodies of functions, which hold semicolons of their own. */
function statementsOf(code: string): readonly string[] {
  return code
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
