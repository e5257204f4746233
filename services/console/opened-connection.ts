import type { Connection } from '../shared/postgres/connections.ts'
import { passwordPlace, signingSecretPlace } from '../shared/sealed-places.ts'
import type { SealedPlace, SecretBox } from '../shared/secret-box.ts'

/** A stored connection with its secrets in the clear: it lives only as long as a request. */
export function openConnection(row: Connection, secretBox: SecretBox) {
  const open = (sealed: string | null, place: SealedPlace) =>
    sealed === null ? null : secretBox.open(sealed, place)
  return {
    url: row.url,
    password: open(row.passwordSealed, passwordPlace(row.workspaceId)),
    passwordScheme: row.passwordScheme,
    passwordHeader: row.passwordHeader,
    maskNumbers: row.maskNumbers,
    signingSecret: open(row.signingSecretSealed, signingSecretPlace(row.workspaceId)),
  }
}
