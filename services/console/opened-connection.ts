import type { Connection } from '../shared/postgres/connections.ts'
import type { SecretBox } from '../shared/secret-box.ts'

/** A stored connection with its secrets in the clear: it lives only as long as a request. */
export function openConnection(row: Connection, secretBox: SecretBox) {
  const open = (sealed: string | null) => (sealed === null ? null : secretBox.open(sealed))
  return {
    url: row.url,
    password: open(row.passwordSealed),
    passwordScheme: row.passwordScheme,
    passwordHeader: row.passwordHeader,
    maskNumbers: row.maskNumbers,
    signingSecret: open(row.signingSecretSealed),
  }
}
