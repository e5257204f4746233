import { passwordHeader } from '../../shared/egress/password-header.ts'
import { decodeSecret } from '../../shared/egress/webhook-signature.ts'
import {
  type Connection as ConnectionRow,
  loadConnections,
} from '../../shared/postgres/connections.ts'
import type { Queryable } from '../../shared/postgres/pool.ts'
import type { SecretBox } from '../../shared/secret-box.ts'
import type { Connection, SigningKey } from './connection.ts'

/** Null for a connection that takes no events: disconnected or suspended. */
export function openConnection(row: ConnectionRow, box: SecretBox): Connection | null {
  const { url, signingSecretSealed } = row
  const takesEvents = row.state === 'connected' || row.state === 'failing'
  if (!takesEvents || url === null || signingSecretSealed === null) return null
  const { origin, pathname, search } = new URL(url)
  const password = row.passwordSealed === null ? null : box.open(row.passwordSealed)
  return {
    workspaceId: row.workspaceId,
    origin,
    path: pathname + search,
    passwordHeader:
      password === null ? [] : passwordHeader(row.passwordScheme, row.passwordHeader, password),
    signingKeys: signingKeys(row, signingSecretSealed, box),
    maskNumbers: row.maskNumbers,
    connectedAt: row.connectedAt?.getTime() ?? 0,
  }
}

function signingKeys(row: ConnectionRow, current: string, box: SecretBox): readonly SigningKey[] {
  const keys: SigningKey[] = [{ key: decodeSecret(box.open(current)), validUntil: null }]
  if (row.previousSecretSealed !== null) {
    keys.push({
      key: decodeSecret(box.open(row.previousSecretSealed)),
      validUntil: row.previousSecretUntil?.getTime() ?? 0,
    })
  }
  return keys
}

/** Loads connections for the cache; one that cannot be decrypted is a wrong key, for all of them. */
export function createConnectionLoader(
  db: Queryable,
  box: SecretBox,
): (workspaceIds: readonly string[]) => Promise<ReadonlyMap<string, Connection>> {
  return async (workspaceIds) => {
    const opened = new Map<string, Connection>()
    for (const row of await loadConnections(db, workspaceIds)) {
      const connection = openConnection(row, box)
      if (connection) opened.set(row.workspaceId, connection)
    }
    return opened
  }
}
