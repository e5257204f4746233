import type { KeyObject } from 'node:crypto'
import type { Connection } from '../postgres/connections.ts'
import type { SecretBox } from '../secret-box.ts'
import { decodeSecret } from './webhook-signature.ts'

export interface SigningKey {
  readonly key: KeyObject
  /** Milliseconds since 1970; null: no end. */
  readonly validUntil: number | null
}

export type SealedSecrets = Pick<
  Connection,
  'signingSecretSealed' | 'previousSecretSealed' | 'previousSecretUntil'
>

/**
 * The current key first, then the one before it while the rotation overlaps; none while
 * disconnected.
 *
 * @throws SecretBoxError
 */
export function openSigningKeys(row: SealedSecrets, box: SecretBox): readonly SigningKey[] {
  if (row.signingSecretSealed === null) return []
  const keys = [{ key: decodeSecret(box.open(row.signingSecretSealed)), validUntil: null }]
  if (row.previousSecretSealed === null) return keys
  const key = decodeSecret(box.open(row.previousSecretSealed))
  return [...keys, { key, validUntil: row.previousSecretUntil?.getTime() ?? 0 }]
}
