import type { ErrorClass } from '../egress/error-class.ts'
import type { Queryable } from './pool.ts'

export const CONNECTION_STATES = ['connected', 'failing', 'suspended', 'disconnected'] as const
export const PASSWORD_SCHEMES = ['bearer', 'basic', 'header'] as const

export type ConnectionState = (typeof CONNECTION_STATES)[number]
export type PasswordScheme = (typeof PASSWORD_SCHEMES)[number]

/** What the dispatcher needs to know to post to the customer. */
export interface Connection {
  readonly workspaceId: string
  readonly state: ConnectionState
  /** Null only while disconnected, as is the signing secret. */
  readonly url: string | null
  readonly passwordSealed: string | null
  readonly passwordScheme: PasswordScheme
  /** Name of the header, for the scheme `header`. */
  readonly passwordHeader: string | null
  readonly maskNumbers: boolean
  readonly signingSecretSealed: string | null
  /** Signs as well until `previousSecretUntil`. */
  readonly previousSecretSealed: string | null
  readonly previousSecretUntil: Date | null
  /** Grows with each change of what stands above. */
  readonly version: number
  /** Only events from here on are delivered. */
  readonly connectedAt: Date | null
  /** The log, and where it ended then; null: it could not be asked. */
  readonly connectedTopic: string | null
  readonly connectedOffset: number | null
}

/** With what only the dispatcher cares for. */
export interface ConnectionForDelivery extends Connection {
  /** A dead letter for which the endpoint is to blame is out, and nothing was delivered since. */
  readonly onProbation: boolean
  readonly lastErrorClass: ErrorClass | null
  readonly retryNowAt: Date | null
  /** Where its newest gap begins, if there is one: open, or ended by this connection. */
  readonly gapFrom: Date | null
  /** Ids of back-fills that were cancelled or have failed. */
  readonly calledOff: readonly string[]
}

/** With what the dispatcher reports about it. */
export interface ConnectionWithHealth extends Connection {
  readonly lastDeliveredAt: Date | null
  readonly lastErrorClass: ErrorClass | null
  readonly lastErrorStatus: number | null
  readonly lastErrorAt: Date | null
  readonly retryEventId: string | null
  readonly retryAttempt: number | null
  readonly retryNextAt: Date | null
}

// A bigint comes as text; a version stays below 2^53 for as long as there are customers.
const COLUMNS = `
  workspace_id as "workspaceId", state, url,
  password_sealed as "passwordSealed", password_scheme as "passwordScheme",
  password_header as "passwordHeader", mask_numbers as "maskNumbers",
  signing_secret_sealed as "signingSecretSealed",
  previous_secret_sealed as "previousSecretSealed",
  previous_secret_until as "previousSecretUntil",
  version::double precision as version, connected_at as "connectedAt",
  connected_topic as "connectedTopic", connected_offset::double precision as "connectedOffset"`

const HEALTH_COLUMNS = `
  last_delivered_at as "lastDeliveredAt", last_error_class as "lastErrorClass",
  last_error_status as "lastErrorStatus", last_error_at as "lastErrorAt",
  retry_event_id as "retryEventId", retry_attempt as "retryAttempt",
  retry_next_at as "retryNextAt"`

/**
 * Those that exist, in any order: the dispatcher fills its cache in one round trip. Primary key, and
 * for the back-fills the index `backfills_called_off`. A request for one may come back out of Kafka
 * long after it was cancelled, but not after its events have left the log.
 */
export async function loadConnections(
  db: Queryable,
  workspaceIds: readonly string[],
): Promise<ConnectionForDelivery[]> {
  const { rows } = await db.query<ConnectionForDelivery>(
    `select ${COLUMNS}, on_probation as "onProbation", retry_now_at as "retryNowAt",
       last_error_class as "lastErrorClass",
       (select from_at from gaps g where g.workspace_id = c.workspace_id
          and reason not in ('deleted', 'restored')
        order by id desc limit 1) as "gapFrom",
       array(select id from backfills b where b.workspace_id = c.workspace_id
             and state in ('cancelled', 'failed')
             and created_at > now() - interval '30 days') as "calledOff"
     from connections c where workspace_id = any($1)`,
    [workspaceIds],
  )
  return rows
}

/**
 * Which of these, by workspace and version, have another version here; no row is version 0. One hash
 * join over ids and versions, so that the dispatcher can ask for all that it knows at once.
 */
export async function findChangedConnections(
  db: Queryable,
  known: readonly (readonly [string, number])[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ workspaceId: string }>(
    `select known.workspace_id as "workspaceId"
     from unnest($1::text[], $2::double precision[]) as known (workspace_id, version)
     left join connections c on c.workspace_id = known.workspace_id
     where coalesce(c.version, 0) <> known.version`,
    [known.map(([workspaceId]) => workspaceId), known.map(([, version]) => version)],
  )
  return new Set(rows.map(({ workspaceId }) => workspaceId))
}

/** Primary key. */
export async function findConnection(
  db: Queryable,
  workspaceId: string,
): Promise<ConnectionWithHealth | null> {
  const { rows } = await db.query<ConnectionWithHealth>(
    `select ${COLUMNS}, ${HEALTH_COLUMNS} from connections where workspace_id = $1`,
    [workspaceId],
  )
  return rows[0] ?? null
}

/** Who is connected already goes on where it is. */
const KEEPS = `c.state in ('connected', 'failing')`

/** A target that has just answered a ping. */
export interface ConnectedTarget {
  readonly workspaceId: string
  readonly url: string
  readonly passwordSealed: string | null
  readonly passwordScheme: PasswordScheme
  readonly passwordHeader: string | null
  readonly maskNumbers: boolean
  readonly signingSecretSealed: string
  /** The version that was read before the ping, 0 when there was no connection. */
  readonly expectedVersion: number
  /** The end of its partition of the log, read after the ping; null: it cannot be asked. */
  readonly logEnd: { readonly topic: string; readonly offset: number } | null
}

export interface Connected {
  readonly connectedAt: Date
  /** It was not connected before; else `connectedAt` is as it was. */
  readonly isNew: boolean
}

/**
 * Connects, closes the open gap, and answers the time from which events are delivered; null when somebody else has
 * changed the connection since `expectedVersion`, whose target may then not be the pinged one.
 *
 * Who was connected or failing keeps `connected_at` and the end of the log, so that events which wait
 * are delivered to the new target; who was suspended or disconnected starts with new events.
 */
export async function connect(db: Queryable, target: ConnectedTarget): Promise<Connected | null> {
  const { rows } = await db.query<Connected>(
    `with connected as (
     insert into connections as c (
       workspace_id, state, url, password_sealed, password_scheme, password_header, mask_numbers,
       signing_secret_sealed, connected_at, connected_topic, connected_offset
     )
     values ($1, 'connected', $2, $3, $4, $5, $6, $7, now(), $9, $10)
     on conflict (workspace_id) do update
       set state = 'connected', url = excluded.url, password_sealed = excluded.password_sealed,
           password_scheme = excluded.password_scheme, password_header = excluded.password_header,
           mask_numbers = excluded.mask_numbers,
           signing_secret_sealed = excluded.signing_secret_sealed,
           connected_at = case when ${KEEPS} then c.connected_at else now() end,
           connected_topic =
             case when ${KEEPS} then c.connected_topic else excluded.connected_topic end,
           connected_offset =
             case when ${KEEPS} then c.connected_offset else excluded.connected_offset end,
           disconnected_at = null,
           last_error_class = null, last_error_status = null, last_error_at = null,
           on_probation = false,
           version = c.version + 1
       where c.version = $8
     returning workspace_id, connected_at),
     closed as (
       update gaps set to_at = connected.connected_at from connected
       where gaps.workspace_id = connected.workspace_id and to_at is null)
     select connected_at as "connectedAt", connected_at = now() as "isNew" from connected`,
    [
      target.workspaceId,
      target.url,
      target.passwordSealed,
      target.passwordScheme,
      target.passwordHeader,
      target.maskNumbers,
      target.signingSecretSealed,
      target.expectedVersion,
      target.logEnd?.topic ?? null,
      target.logEnd?.offset ?? null,
    ],
  )
  return rows[0] ?? null
}

/**
 * Disconnects, opens a gap, and forgets URL and secrets: what is not stored cannot leak. Whether there was
 * something to disconnect.
 */
export async function disconnect(db: Queryable, workspaceId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `with disconnected as (
     update connections
     set state = 'disconnected', on_probation = false, url = null, password_sealed = null, password_scheme = 'bearer',
         password_header = null, signing_secret_sealed = null, previous_secret_sealed = null,
         previous_secret_until = null, disconnected_at = now(),
         retry_event_id = null, retry_attempt = null, retry_next_at = null,
         version = version + 1
     where workspace_id = $1 and state <> 'disconnected'
     returning workspace_id),
     opened as (
       insert into gaps (workspace_id, from_at, reason)
       select workspace_id, now(), 'disconnected' from disconnected
       on conflict (workspace_id) where to_at is null do nothing)
     select workspace_id from disconnected`,
    [workspaceId],
  )
  return rowCount === 1
}

/**
 * For what keeps all events of these workspaces from being sent and is no attempt. Told once: a row
 * that says so already keeps its time. Primary key; not a change that dispatchers have to know.
 */
export async function markConnectionsFailing(
  db: Queryable,
  workspaceIds: readonly string[],
  { errorClass, at }: { readonly errorClass: ErrorClass; readonly at: number },
): Promise<void> {
  await db.query(
    `update connections
     set state = 'failing', last_error_class = $2::text, last_error_status = null,
         last_error_at = $3
     where workspace_id = any($1) and state in ('connected', 'failing')
       and (state, last_error_class) is distinct from ('failing', $2::text)`,
    [workspaceIds, errorClass, new Date(at)],
  )
}

/** The reason of `markConnectionsFailing` is over. One whose event waits for a retry goes on failing. */
export async function endConnectionsFailing(
  db: Queryable,
  workspaceIds: readonly string[],
  errorClass: ErrorClass,
): Promise<void> {
  await db.query(
    `update connections
     set state = case when retry_next_at is null then 'connected' else state end,
         last_error_class = null, last_error_status = null, last_error_at = null
     where workspace_id = any($1) and state = 'failing' and last_error_class = $2`,
    [workspaceIds, errorClass],
  )
}

/**
 * Asks the dispatcher to send the event that waits, now. Null when none waits: nothing has failed,
 * or nothing is connected. Primary key.
 */
export async function askForRetryNow(db: Queryable, workspaceId: string): Promise<Date | null> {
  const { rows } = await db.query<{ askedAt: Date }>(
    `update connections set retry_now_at = now(), version = version + 1
     where workspace_id = $1 and state in ('connected', 'failing') and retry_next_at is not null
     returning retry_now_at as "askedAt"`,
    [workspaceId],
  )
  return rows[0]?.askedAt ?? null
}

/**
 * Replaces the signing secret; the one before signs as well for 24 hours, one before that no more.
 * Answers until when; null when nothing is connected. Primary key.
 */
export async function rotateSigningSecret(
  db: Queryable,
  { workspaceId, signingSecretSealed }: { workspaceId: string; signingSecretSealed: string },
): Promise<Date | null> {
  const { rows } = await db.query<{ previousValidUntil: Date }>(
    `update connections
     set previous_secret_sealed = signing_secret_sealed,
         previous_secret_until = now() + interval '24 hours',
         signing_secret_sealed = $2, version = version + 1
     where workspace_id = $1 and state <> 'disconnected'
     returning previous_secret_until as "previousValidUntil"`,
    [workspaceId, signingSecretSealed],
  )
  return rows[0]?.previousValidUntil ?? null
}

export interface StateCount {
  readonly state: ConnectionState
  readonly connections: number
}

/** Reads the whole table, which has one small row per workspace: asked once per scrape. */
export async function countConnectionsByState(db: Queryable): Promise<StateCount[]> {
  const { rows } = await db.query<StateCount>(
    `select state, count(*)::integer as connections from connections group by state`,
  )
  return rows
}

/** Where the log ended when each workspace connected: of no use once the log is another one. A scan. */
export async function forgetLogEnds(db: Queryable, topic: string): Promise<void> {
  await db.query(
    `update connections set connected_topic = null, connected_offset = null, version = version + 1
     where connected_topic = $1`,
    [topic],
  )
}
