import type { Clock } from '../../shared/clock.ts'
import type { ErrorClass } from '../../shared/egress/error-class.ts'
import { passwordHeader } from '../../shared/egress/password-header.ts'
import { openSigningKeys } from '../../shared/egress/signing-keys.ts'
import type { Logger } from '../../shared/logger.ts'
import {
  type ConnectionForDelivery as ConnectionRow,
  endConnectionsFailing,
  findChangedConnections,
  loadConnections,
  markConnectionsFailing,
} from '../../shared/postgres/connections.ts'
import { inHalves, throwFailure } from '../../shared/postgres/in-halves.ts'
import type { Queryable } from '../../shared/postgres/pool.ts'
import type { OnRefusedRow } from '../../shared/postgres/refused-rows.ts'
import { passwordPlace } from '../../shared/sealed-places.ts'
import { type SecretBox, SecretBoxError } from '../../shared/secret-box.ts'
import type { KnownConnection } from './connection-cache.ts'

/**
 * `none` for a connection that takes no events: disconnected or suspended.
 *
 * @throws SecretBoxError when it is sealed under a key that is not here.
 */
export function openConnection(
  row: ConnectionRow,
  { box, eventsTopic }: Pick<ConnectionLoaderOptions, 'box' | 'eventsTopic'>,
): KnownConnection {
  const { url } = row
  const gapFrom = row.gapFrom?.getTime() ?? Number.NEGATIVE_INFINITY
  const takesEvents = row.state === 'connected' || row.state === 'failing'
  if (!takesEvents || url === null || row.signingSecretSealed === null) {
    return { kind: 'none', version: row.version, gapFrom }
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
    // An offset means nothing in another log, by which this one may have been replaced.
    connectedOffset: row.connectedTopic === eventsTopic ? row.connectedOffset : null,
    isOnProbation: row.onProbation,
    retryNowAt: row.retryNowAt?.getTime() ?? 0,
    gapFrom,
    calledOff: new Set(row.calledOff),
  }
}

export interface ConnectionLoaderOptions {
  readonly db: Queryable
  readonly box: SecretBox
  readonly eventsTopic: string
  /**
   * Asked after the rows were read. In a copy of the database that was restored, customers are connected
   * who have left since, and others are not who wait for their calls.
   */
  readonly isBelievable: () => Promise<boolean>
  readonly onRefused: OnRefusedRow
  readonly clock: Clock
  readonly logger: Logger
}

/** Ids of those that Postgres has under another version than the one known, 0 for none. */
export type FindChanged = (known: ReadonlyMap<string, number>) => Promise<readonly string[]>

export function createFindChanged(db: Queryable): FindChanged {
  // An id that Postgres does not take was told when it was loaded; it can have no row to change.
  const refusals = {
    statement: 'load_connections',
    idsOf: () => ({}),
    onRefused: () => undefined,
  } as const
  return async (known) => {
    const found = await inHalves([...known], (some) => areChanged(db, some), refusals)
    throwFailure(found)
    return [...known.keys()].filter((_, index) => {
      const result = found[index]
      return result?.kind === 'done' && result.result
    })
  }
}

async function areChanged(
  db: Queryable,
  known: readonly (readonly [string, number])[],
): Promise<boolean[]> {
  const changed = await findChangedConnections(db, known)
  return known.map(([workspaceId]) => changed.has(workspaceId))
}

export type LoadConnections = (
  workspaceIds: readonly string[],
) => Promise<ReadonlyMap<string, KnownConnection>>

/**
 * Loads connections for the cache. What is wrong with one concerns no other: an id that Postgres does
 * not take is no workspace's, and a connection that cannot be opened fails alone, where its customer
 * sees it.
 */
export function createConnectionLoader(options: ConnectionLoaderOptions): LoadConnections {
  const { db, onRefused } = options
  const refusals = {
    statement: 'load_connections',
    idsOf: (workspaceId: string) => ({ workspaceId }),
    onRefused,
  } as const

  async function rowsOf(workspaceIds: readonly string[]) {
    const rows = await loadConnections(db, workspaceIds)
    const byId = new Map(rows.map((row) => [row.workspaceId, row]))
    return workspaceIds.map((id) => byId.get(id) ?? null)
  }

  return async (workspaceIds) => {
    const found = await inHalves(workspaceIds, rowsOf, refusals)
    throwFailure(found)
    if (!(await options.isBelievable())) throw new Error('the database was restored')
    const loaded = new Map<string, KnownConnection>()
    const health: KeyHealth = { lost: [], back: [] }
    for (const one of found) {
      if (one.kind !== 'done' || one.result === null) continue
      const { workspaceId, lastErrorClass } = one.result
      const connection = openOrTell(one.result, options)
      loaded.set(workspaceId, connection)
      if (connection.kind === 'unreadable') health.lost.push(workspaceId)
      else if (lastErrorClass === KEY_MISSING) health.back.push(workspaceId)
    }
    await tellHealth(health, options)
    return loaded
  }
}

function openOrTell(
  row: ConnectionRow,
  options: Pick<ConnectionLoaderOptions, 'box' | 'eventsTopic' | 'logger'>,
): KnownConnection {
  try {
    return openConnection(row, options)
  } catch (error) {
    // Its URL and its secrets are what it consists of, so the error may tell of the key only.
    const err = error instanceof SecretBoxError ? error.message : 'not readable'
    options.logger.error(
      { workspaceId: row.workspaceId, reason: KEY_MISSING, err },
      'connection.unreadable',
    )
    return { kind: 'unreadable', version: row.version }
  }
}

const KEY_MISSING: ErrorClass = 'key_missing'

/** Ids of connections that cannot be opened, and of those that can be opened again. */
interface KeyHealth {
  readonly lost: string[]
  readonly back: string[]
}

/** So that the customer sees it. That he does not is no reason to keep others waiting. */
async function tellHealth(
  { lost, back }: KeyHealth,
  { db, clock, logger }: ConnectionLoaderOptions,
): Promise<void> {
  try {
    const at = clock.now()
    if (lost.length > 0) await markConnectionsFailing(db, lost, { errorClass: KEY_MISSING, at })
    if (back.length > 0) await endConnectionsFailing(db, back, KEY_MISSING)
  } catch (err) {
    logger.warn({ err, workspaces: lost.length + back.length }, 'connection_health.failed')
  }
}
