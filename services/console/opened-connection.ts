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
    previousSecret: open(row.previousSecretSealed),
    previousSecretUntil: row.previousSecretUntil,
  }
}

/** What signs at `now`, in milliseconds since 1970: after a rotation two of them, the newer first. */
export function validSecrets(
  { signingSecret, previousSecret, previousSecretUntil }: ReturnType<typeof openConnection>,
  now: number,
): string[] {
  const isOverlap = previousSecretUntil !== null && previousSecretUntil.getTime() > now
  const secrets = [signingSecret, isOverlap ? previousSecret : null]
  return secrets.filter((secret) => secret !== null)
}
