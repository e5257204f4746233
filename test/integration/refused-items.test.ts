import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AttemptLog } from '../../services/dispatcher/delivery/attempt-log.ts'
import { BackfillLog } from '../../services/dispatcher/delivery/backfill-log.ts'
import { createGapLog } from '../../services/dispatcher/delivery/gap-log.ts'
import { createConnectionLoader } from '../../services/dispatcher/delivery/open-connection.ts'
import { createHeldSessionStore } from '../../services/normalizer/held-session-store.ts'
import { createKnownEvents } from '../../services/normalizer/known-events.ts'
import { createCheckStore } from '../../services/normalizer/recordings/recordings.ts'
import { createActivityStore } from '../../services/normalizer/source-activity-store.ts'
import { lookUpPublished, recordPublished } from '../../services/normalizer/spool/drained-events.ts'
import { createSpool } from '../../services/normalizer/spool/spool.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { startLogProducer } from '../../services/shared/kafka/producer.ts'
import { prepareTopics } from '../../services/shared/kafka/topics.ts'
import { createDatabaseGuard } from '../../services/shared/postgres/database-guard.ts'
import type { Pool } from '../../services/shared/postgres/pool.ts'
import {
  type PublishedEvent,
  recordPublishedEvents,
  sightEvents,
} from '../../services/shared/postgres/published-events.ts'
import {
  BATCHED_STATEMENTS,
  type BatchedStatement,
  type OnRefusedRow,
  type RowRefusal,
} from '../../services/shared/postgres/refused-rows.ts'
import { insertEntries, readSpoolSize } from '../../services/shared/postgres/spool.ts'
import type { StoredLeg } from '../../services/shared/postgres/store-legs.ts'
import { inTransaction } from '../../services/shared/postgres/transaction.ts'
import {
  legPlace,
  recordingCheckPlace,
  settingsPlace,
  signingSecretPlace,
} from '../../services/shared/sealed-places.ts'
import { aCallEvent, anAttempt, NOON, quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { openMigratedPool } from '../support/migrated-pool.ts'
import { box } from '../support/normalizer-fakes.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

/**
 * Each statement and each produce that many share: of 50 good items and one that the server refuses,
 * 50 are done and one is set aside, with its reason. `test/support/array-statements.ts` compares the
 * list of the statements with the code.
 */

const GOOD = 50
/** Where the bad one stands among them. */
const PLACE = 17
/** Random, or an index would compress it. */
const ENDLESS = randomBytes(4_000).toString('hex')
const NUL = 'bad\0'

let pool: Pool
let told: { statement: BatchedStatement; reason: RowRefusal }[] = []

const isBelievable = async () => true
const onRefused: OnRefusedRow = ({ statement, error: { reason } }) =>
  told.push({ statement, reason })
const guard = createDatabaseGuard({ clock, logger: quiet })

/** Ids of one case, the bad one among them. */
function ids(prefix: string, bad = NUL): string[] {
  const all = Array.from({ length: GOOD }, (_, index) => `${prefix}_${index}`)
  all.splice(PLACE, 0, `${prefix}_${bad}`)
  return all
}

async function count(sql: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`select count(*)::int as count from ${sql}`)
  return rows[0]?.count ?? 0
}

function aLeg(sessionId: string): StoredLeg {
  const workspaceId = `ws of ${sessionId}`
  return {
    sourceId: 'src_1',
    sessionId,
    workspaceId,
    provider: 'stream-telecom',
    settingsSealed: box.seal('{}', settingsPlace({ workspaceId, id: 'src_1' })),
    timezone: 'UTC',
    defaultCountry: 'UA',
    legId: '1',
    legSealed: box.seal('{}', legPlace({ workspaceId, sourceId: 'src_1', sessionId })),
    closing: true,
    windowMs: 1_000,
  }
}

function anEvent(eventId: string): PublishedEvent {
  return { ...aCallEvent('ws_1', '1'), eventId, providerCallId: eventId, fingerprint: null }
}

function knownEvents() {
  return createKnownEvents({
    find: (events) => sightEvents(pool, events),
    record: (events) => recordPublishedEvents(pool, events),
    onSkipped: () => undefined,
    onRefused,
    guard,
    logger: quiet,
  })
}

/** What is done of all items; a rejection that is no refusal fails the test by its number. */
async function settled(all: readonly Promise<unknown>[]): Promise<number> {
  const results = await Promise.allSettled(all)
  return results.filter(({ status }) => status === 'fulfilled').length
}

async function flushAttempts(prefix: string, kind: 'dead' | 'delivered'): Promise<void> {
  const log = new AttemptLog(pool, quiet, 1_000, onRefused)
  for (const eventId of ids(prefix)) {
    const workspaceId = eventId.includes(NUL) ? `${prefix}_bad` : eventId
    const attempt = anAttempt({ workspaceId, eventId, at: NOON })
    const deadLetter = { reason: 'rejected', firstFailedAt: null, acceptedAt: NOON }
    log.add(
      kind === 'dead'
        ? { ...attempt, outcome: 'dead_lettered', errorClass: 'rejected', deadLetter }
        : { ...attempt, outcome: 'delivered', errorClass: null, replay: true, deadLetter: null },
    )
  }
  await log.flush()
  expect(log.waiting).toBe(0)
}

async function addConnections(prefix: string): Promise<void> {
  const good = ids(prefix).filter((id) => !id.includes(NUL))
  const all = [...good, `${prefix}_bad`]
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`
  await pool.query(
    `insert into workspaces (id, timezone, default_country)
     select id, 'UTC', 'UA' from unnest($1::text[]) as w (id)`,
    [all],
  )
  await pool.query(
    `insert into connections (workspace_id, state, url, signing_secret_sealed)
     select id, 'connected', 'https://crm.example.com/', sealed
     from unnest($1::text[], $2::text[]) as w (id, sealed)`,
    [all, all.map((id) => box.seal(secret, signingSecretPlace(id)))],
  )
}

/** Does it for 50 good ones and a bad one, and answers how many are done. */
const CASES: Readonly<Record<BatchedStatement, () => Promise<number>>> = {
  store_legs: async () => {
    const store = createHeldSessionStore(pool, guard, onRefused)
    const stored = await settled(ids('store', ENDLESS).map((id) => store.store(aLeg(id))))
    expect(await count(`held_legs where session_id like 'store_%'`)).toBe(stored)
    return stored
  },
  mark_sessions_published: async () => {
    const store = createHeldSessionStore(pool, guard, onRefused)
    await Promise.all(ids('mark', 'bad').map((id) => store.store(aLeg(id))))
    const fingerprint = Buffer.alloc(32)
    await store.markPublished(
      ids('mark', 'bad').map((sessionId) => {
        const revision = sessionId.endsWith('bad') ? 2 ** 31 : 1
        return { sourceId: 'src_1', sessionId, version: '1', revision, fingerprint }
      }),
    )
    return count(`held_sessions where session_id like 'mark_%' and revision = 1`)
  },
  postpone_sessions: async () => {
    const store = createHeldSessionStore(pool, guard, onRefused)
    const sessions = ids('postpone').map((sessionId) => ({ sourceId: 'src_1', sessionId }))
    const good = sessions.filter(({ sessionId }) => !sessionId.includes(NUL))
    await Promise.all(good.map(({ sessionId }) => store.store(aLeg(sessionId))))
    await store.postpone(sessions)
    return count(`held_sessions where session_id like 'postpone_%' and due_at > now()`)
  },
  sight_events: async () => {
    await recordPublishedEvents(
      pool,
      ids('sight', 'bad').map((id) => anEvent(id)),
    )
    const known = knownEvents()
    const seen = await Promise.all(
      ids('sight').map((eventId) => known.find({ eventId, workspaceId: 'ws_1' })),
    )
    return seen.filter((one) => one.known !== null).length
  },
  record_events: async () => {
    const known = knownEvents()
    await Promise.all(ids('record').map((id) => known.record(anEvent(id))))
    return count(`published_events where event_id like 'record_%'`)
  },
  note_source_activity: async () => {
    await pool.query(
      `insert into workspaces (id, timezone, default_country) values ('noted', 'UTC', 'UA')`,
    )
    const good = ids('note').filter((id) => !id.includes(NUL))
    await pool.query(
      `insert into sources (id, workspace_id, provider, settings_sealed, token_hash)
       select id, 'noted', 'binotel', 'x', sha256(id::bytea) from unnest($1::text[]) as s (id)`,
      [good],
    )
    const save = createActivityStore(pool, onRefused)
    await save(ids('note').map((sourceId) => ({ sourceId, at: new Date(NOON) })))
    return count(`source_activity where source_id like 'note_%'`)
  },
  plan_checks: async () => {
    const store = createCheckStore(pool, onRefused)
    const plan = (callId: string) => {
      const eventSealed = box.seal('{}', recordingCheckPlace(callId))
      const where = { workspaceId: 'ws_1', host: 'files.example.com' }
      return store.plan({ callId, provider: 'unitalk', ...where, eventSealed, dueInMs: 60_000 })
    }
    return settled(ids('plan').map(plan))
  },
  spool_entries: async () => {
    const limits = { requestsMax: 1_000, bytesMax: 10_000_000, ageMaxMs: 60_000 }
    const spool = createSpool({
      insert: (entries, isWanted) => insertEntries(pool, entries, { limits, isWanted }),
      size: () => readSpoolSize(pool),
      limits,
      box,
      onSpooled: () => undefined,
      onRefused,
      guard,
    })
    const put = (eventId: string) => {
      const event = { ...aCallEvent('ws_1', '1'), eventId }
      return spool.put({ kind: 'event', event, fingerprint: null }, null)
    }
    const spooled = await settled(ids('spool').map(put))
    expect((await readSpoolSize(pool)).entries).toBe(spooled)
    return count(`spool where event_id like 'spool_%'`)
  },
  find_spooled: async () => {
    await recordPublishedEvents(
      pool,
      ids('find', 'bad').map((id) => anEvent(id)),
    )
    const found = await inTransaction(pool, (client) =>
      lookUpPublished(client, ids('find'), onRefused),
    )
    return found.length
  },
  record_spooled: async () => {
    const events = ids('drained').map((id) => anEvent(id))
    await inTransaction(pool, (client) => recordPublished(client, events, onRefused))
    return count(`published_events where event_id like 'drained_%'`)
  },
  insert_attempts: async () => {
    await flushAttempts('attempts', 'delivered')
    return count(`delivery_attempts where event_id like 'attempts_%'`)
  },
  insert_dead_letters: async () => {
    await flushAttempts('dead', 'dead')
    return count(`dead_letters where event_id like 'dead_%'`)
  },
  mark_resent: async () => {
    await flushAttempts('resent', 'dead')
    await flushAttempts('resent', 'delivered')
    return count(`dead_letters where event_id like 'resent_%' and resent_at is not null`)
  },
  connection_health: async () => {
    await addConnections('health')
    await flushAttempts('health', 'dead')
    return count(`connections where workspace_id like 'health_%' and state = 'failing'`)
  },
  backfill_progress: async () => {
    await pool.query(
      `insert into workspaces (id, timezone, default_country) values ('filled', 'UTC', 'UA')`,
    )
    await pool.query(
      `insert into backfills (id, workspace_id, since, until, mode, created_at)
       select id, 'filled', now(), now(), 'all', now() from unnest($1::text[]) as b (id)`,
      [ids('fill').filter((id) => !id.includes(NUL))],
    )
    const log = new BackfillLog(pool, onRefused)
    for (const id of ids('fill')) log.replayed(id, NOON)
    await log.flush()
    return count(`backfills where id like 'fill_%' and replayed = 1`)
  },
  load_connections: async () => {
    await addConnections('load')
    const load = createConnectionLoader({
      db: pool,
      box,
      eventsTopic: 'calls.events',
      isBelievable,
      onRefused,
      clock,
      logger: quiet,
    })
    return (await load(ids('load'))).size
  },
  gaps: async () => {
    const gaps = createGapLog({ db: pool, clock, logger: quiet, onRefused })
    await addConnections('gap')
    const suspend = (workspaceId: string) => gaps.suspend({ workspaceId, version: 1 }, NOON)
    const suspended = await Promise.all(ids('gap').map(suspend))
    return suspended.filter(Boolean).length
  },
}

/** Told beside the statement in question: an attempt goes through several. */
const ALSO: Partial<Record<BatchedStatement, readonly BatchedStatement[]>> = {
  insert_attempts: ['mark_resent'],
  insert_dead_letters: ['insert_attempts'],
  mark_resent: ['insert_dead_letters', 'insert_attempts', 'insert_attempts'],
  connection_health: ['insert_dead_letters', 'insert_attempts'],
}

describe('one item that the server refuses among 50 good ones', () => {
  beforeAll(async () => {
    pool = await openMigratedPool()
  })
  afterAll(() => pool.end())

  it.each(BATCHED_STATEMENTS)('is set aside alone by %s', async (statement) => {
    told = []

    expect(await CASES[statement]()).toBe(GOOD)

    const mine = told.filter((one) => one.statement === statement)
    expect(mine).toHaveLength(1)
    const others = told.map((one) => one.statement).filter((name) => name !== statement)
    const also = new Set<BatchedStatement>([...(ALSO[statement] ?? []), 'connection_health'])
    expect(others.filter((name) => !also.has(name))).toEqual([])
  })

  it('is set aside alone by Kafka', async () => {
    const env = { ...testStack().env, TOPIC_PREFIX: freshPrefix(), TOPIC_PARTITIONS: '1' }
    const kafka = createKafka(kafkaConfigOf(env), 'test', quiet)
    const topic = `${env.TOPIC_PREFIX}.events`
    await prepareTopics(kafka, [{ topic, partitions: 1, config: {} }])
    const producer = await startLogProducer({
      kafka,
      logger: quiet,
      partitions: 1,
      timeoutMs: 5_000,
    })
    const values = Array.from({ length: GOOD }, () => Buffer.alloc(100))
    // More than `max.message.bytes`.
    values.splice(PLACE, 0, randomBytes(1_100_000))

    const sent = await Promise.allSettled(
      values.map((value) => producer.send({ topic, key: 'ws_1', value })),
    )
    await producer.stop()

    const failures = sent.flatMap((one) => (one.status === 'rejected' ? [one.reason.name] : []))
    expect(failures).toEqual(['RecordRefusedError'])
  })
})
