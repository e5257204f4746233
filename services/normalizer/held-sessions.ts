import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { type CallFacts, identify, type ProviderName } from '../shared/call-event.ts'
import type { Logger } from '../shared/logger.ts'
import type {
  LeasedSession,
  PublishedSession,
  SessionKey,
  SessionSource,
} from '../shared/postgres/held-legs.ts'
import type { StoredAs, StoredLeg } from '../shared/postgres/store-legs.ts'
import { legPlace } from '../shared/sealed-places.ts'
import type { SecretBox } from '../shared/secret-box.ts'
import { type EventRefusal, type EventRefusalReason, refusalOf } from './event-refusal.ts'
import type { HeldLeg, JsonObject } from './providers/provider.ts'
import { providers } from './providers/registry.ts'
import { fingerprintOf, type Publisher } from './publisher.ts'
import { openContext } from './source.ts'

/**
 * Calls that a provider tells in parts: legs are stored, and published as one call when the
 * session is closed or silent.
 *
 * The leg is stored before the provider gets its OK, and a session is marked only after its event
 * is in the log: a crash in between publishes again and loses nothing. A leg that comes later and
 * changes the call publishes a correction, the same `callId` with a new `eventId`.
 */
export interface HeldSessionStore {
  /**
   * @throws DatabaseAwayError when Postgres does not answer in time, RowRefusedError for a leg that it
   * does not take.
   */
  store(leg: StoredLeg): Promise<StoredAs>
  /** Due sessions that nobody else publishes for now, oldest first. */
  leaseDue(): Promise<readonly LeasedSession[]>
  markPublished(sessions: readonly PublishedSession[]): Promise<void>
  postpone(sessions: readonly SessionKey[]): Promise<void>
}

export interface HeldSessions {
  /** Resolves when the leg is safe, or its session has no room for it; rejects as the store does. */
  hold(source: SessionSource & { readonly id: string }, held: HeldLeg): Promise<StoredAs>
  /** Publishes what is due, until nothing is. */
  publishDue(): Promise<void>
}

export interface HeldSessionsOptions {
  readonly store: HeldSessionStore
  readonly publisher: Publisher
  readonly box: SecretBox
  /** Told when a session became due: wakes the loop that calls `publishDue`. */
  readonly onDue: () => void
  /** Told of a session whose event can never be in the log. */
  readonly onSetAside: (provider: ProviderName, reason: EventRefusalReason) => void
  readonly logger: Logger
}

const storedJson = z.record(z.string(), z.json())

export function createHeldSessions(options: HeldSessionsOptions): HeldSessions {
  const { store, box, logger } = options

  async function publishSession(session: LeasedSession): Promise<PublishedSession | null> {
    const { sourceId, sessionId, workspaceId } = session
    try {
      const published = await publishMerged(session, options)
      const { revision } = published
      if (revision !== session.revision) {
        logger.info({ sourceId, workspaceId, revision }, 'session.published')
      }
      return { sourceId, sessionId, version: session.version, ...published }
    } catch (error) {
      // The session stays due; a bug in a merge must not keep the other sessions from going out.
      logger.error({ sourceId, workspaceId, err: error }, 'session.publish_failed')
      return null
    }
  }

  return {
    async hold(source, { sessionId, legId, leg, closing, windowMs }) {
      const { id: sourceId, ...rest } = source
      const place = legPlace({ workspaceId: source.workspaceId, sourceId, sessionId })
      const content = JSON.stringify(leg)
      const legSealed = box.seal(content, place)
      const telling = tellingId(legId, content)
      const told = { ...rest, sourceId, sessionId, legId: telling, legSealed, closing, windowMs }
      const stored = await store.store(told)
      if (closing && stored === 'held') options.onDue()
      return stored
    },
    async publishDue() {
      let leased: readonly LeasedSession[]
      do {
        leased = await store.leaseDue()
        const publishing: Promise<PublishedSession | null>[] = []
        for (const session of leased) {
          publishing.push(publishSession(session))
          await setImmediate() // Merging 200 legs takes milliseconds: webhooks go in between.
        }
        const results = await Promise.all(publishing)
        const done = results.filter((result) => result !== null)
        const failed = leased.filter((_, index) => results[index] === null)
        if (done.length > 0) await store.markPublished(done)
        if (failed.length > 0) await store.postpone(failed)
      } while (leased.length > 0)
    },
  }
}

/**
 * Each telling of a leg is kept: what counts of them is for the merge to say. Kept under the id of the leg
 * alone, the one that came last would count, and one that says less would erase what is known.
 */
function tellingId(legId: string, content: string): string {
  return `${legId}#${createHash('sha256').update(content).digest('base64url').slice(0, 12)}`
}

/**
 * Its legs stay where they are, and the session counts as told until a leg changes it: tried again
 * and again, it would never be published either.
 */
function setAside(
  { sourceId, workspaceId, provider, revision }: LeasedSession,
  { reason, detail }: EventRefusal,
  { onSetAside, logger }: HeldSessionsOptions,
): void {
  onSetAside(provider, reason)
  logger.error({ sourceId, workspaceId, revision, reason, detail }, 'session.set_aside')
}

/** Revisions tried until one is free: others were taken by a process that crashed before marking. */
const REVISIONS_AHEAD = 20

async function publishMerged(
  session: LeasedSession,
  options: HeldSessionsOptions,
): Promise<{ revision: number; fingerprint: Buffer }> {
  const { box } = options
  const { merge } = providers[session.provider]
  if (!merge) throw new Error(`${session.provider} has legs and cannot merge them`)
  const place = legPlace(session)
  const open = (sealed: string): JsonObject => storedJson.parse(JSON.parse(box.open(sealed, place)))
  const context = openContext({ ...session, id: session.sourceId }, box)
  const facts = merge(session.legsSealed.map(open), context)
  const fingerprint = fingerprintOf(facts)
  if (session.fingerprint?.equals(fingerprint)) return { revision: session.revision, fingerprint }
  try {
    return { revision: await publishAhead(session, facts, options), fingerprint }
  } catch (error) {
    const refusal = refusalOf(error)
    // What the spool does not take is published once Kafka is back: the legs are safe where they are.
    if (refusal === null || refusal.reason === 'row_refused') throw error
    setAside(session, refusal, options)
    return { revision: session.revision, fingerprint }
  }
}

/** Answers the revision under which the call is in the log. */
async function publishAhead(
  session: LeasedSession,
  facts: CallFacts,
  { publisher }: HeldSessionsOptions,
): Promise<number> {
  const fingerprint = fingerprintOf(facts)
  for (let ahead = 1; ahead <= REVISIONS_AHEAD; ahead += 1) {
    const revision = session.revision + ahead
    const event = identify(facts, session.workspaceId, revision)
    const published = await publisher.publish(event, fingerprint)
    if (published.kind !== 'conflict') return revision
  }
  throw new Error(`no free revision after ${session.revision}`)
}
