import { passwordHeader } from '../../shared/egress/password-header.ts'
import { openSigningKeys } from '../../shared/egress/signing-keys.ts'
import {
  type ConnectionForDelivery as ConnectionRow,
  loadConnections,
} from '../../shared/postgres/connections.ts'
import type { Queryable } from '../../shared/postgres/pool.ts'
import { passwordPlace } from '../../shared/sealed-places.ts'
import type { SecretBox } from '../../shared/secret-box.ts'
import type { KnownConnection } from './connection-cache.ts'

/** `none` for a connection that takes no events: disconnected or suspended. */
export function openConnection(row: ConnectionRow, box: SecretBox): KnownConnection {
  const { url } = row
  const gapFrom = row.gapFrom?.getTime() ?? Number.NEGATIVE_INFINITY
  const takesEvents = row.state === 'connected' || row.state === 'failing'
  if (!takesEvents || url === null || row.signingSecretSealed === null) {
    return { kind: 'none', gapFrom }
  }
  const { origin, pathname, search } = new URL(url)
  const place = passwordPlace(row.workspaceId)
  const password = row.passwordSealed === null ? null : box.open(row.passwordSealed, place)
  return {
    kind: 'connection',
    workspaceId: row.workspaceId,
    version: row.version,
    origin,
    path: pathname + search,
    passwordHeader: passwordHeader(row.passwordScheme, row.passwordHeader, password),
    signingKeys: openSigningKeys(row, box),
    maskNumbers: row.maskNumbers,
    connectedAt: row.connectedAt?.getTime() ?? 0,
    isOnProbation: row.onProbation,
    retryNowAt: row.retryNowAt?.getTime() ?? 0,
    gapFrom,
    calledOff: new Set(row.calledOff),
  }
}

/** Loads connections for the cache; one that cannot be decrypted is a wrong key, for all of them. */
export function createConnectionLoader(
  db: Queryable,
  box: SecretBox,
): (workspaceIds: readonly string[]) => Promise<ReadonlyMap<string, KnownConnection>> {
  return async (workspaceIds) => {
    const rows = await loadConnections(db, workspaceIds)
    return new Map(rows.map((row) => [row.workspaceId, openConnection(row, box)]))
  }
}
