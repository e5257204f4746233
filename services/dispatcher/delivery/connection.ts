import type { KeyObject } from 'node:crypto'

/** The customer's target as the dispatcher uses it: decrypted, parsed, ready to send. */
export interface Connection {
  readonly workspaceId: string
  readonly origin: string
  readonly path: string
  /** Name and value of the password's header, flat; empty when there is no password. */
  readonly passwordHeader: readonly string[]
  /** The current key first, then the one before it while the rotation overlaps. */
  readonly signingKeys: readonly SigningKey[]
  readonly maskNumbers: boolean
  /** Milliseconds since 1970: events that were accepted before are not delivered. */
  readonly connectedAt: number
}

export interface SigningKey {
  readonly key: KeyObject
  /** Milliseconds since 1970; null: no end. */
  readonly validUntil: number | null
}
