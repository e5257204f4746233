import type { KeyObject } from 'node:crypto'
import type { Connection } from '../postgres/connections.ts'
import { signingSecretPlace } from '../sealed-places.ts'
import { openOrNull, type SecretBox } from '../secret-box.ts'
import { decodeSecret } from './webhook-signature.ts'

export interface SigningKey {
  readonly key: KeyObject
  /** Milliseconds since 1970; null: no end. */
  readonly validUntil: number | null
}

export type SealedSecrets = Pick<
  Connection,
  'workspaceId' | 'signingSecretSealed' | 'previousSecretSealed' | 'previousSecretUntil'
>

/**
 * The current key first, then the one before it while the rotation overlaps; none while
 * disconnected.
 *
 * @throws SecretBoxError
 */
export function openSigningKeys(row: SealedSecrets, box: SecretBox): readonly SigningKey[] {
  if (row.signingSecretSealed === null) return []
  const place = signingSecretPlace(row.workspaceId)
  const keys = [{ key: decodeSecret(box.open(row.signingSecretSealed, place)), validUntil: null }]
  // Most are long over; with a key that is gone, one must not stop what the current one can sign.
  const previous = row.previousSecretSealed && openOrNull(box, row.previousSecretSealed, place)
  if (!previous) return keys
  const key = decodeSecret(previous)
  return [...keys, { key, validUntil: row.previousSecretUntil?.getTime() ?? 0 }]
}
