import type { Connection } from '../shared/postgres/connections.ts'
import { passwordPlace, signingSecretPlace } from '../shared/sealed-places.ts'
import { type SealedPlace, type SecretBox, SecretBoxError } from '../shared/secret-box.ts'

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

/**
 * For a change of the connection: with a key that is gone, as if no secret were stored. Then the
 * customer mends it by connecting anew, with the password and for a new signing secret.
 */
export function withReadableSecrets<Row extends Connection>(row: Row, secretBox: SecretBox): Row {
  try {
    openConnection(row, secretBox)
    return row
  } catch (error) {
    if (!(error instanceof SecretBoxError)) throw error
    return { ...row, passwordSealed: null, signingSecretSealed: null, previousSecretSealed: null }
  }
}
