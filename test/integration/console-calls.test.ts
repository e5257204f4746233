import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openEventLog } from '../../services/console/kafka-event-log.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { Secret } from '../../services/shared/config.ts'
import { insertAttempts } from '../../services/shared/postgres/delivery-attempts.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { aCallEvent, anAttempt, minutes, quiet } from '../support/builders.ts'
import {
  type Answer,
  startConsole,
  startMigratedConsole,
  type TestConsole,
} from '../support/console.ts'
import { type DayOfCalls, removeBefore, writeDay } from '../support/day-of-calls.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { closedPort } from '../support/misbehaving-endpoint.ts'
import { freshDatabase, freshPrefix, testStack } from '../support/stack.ts'

/** 100,000 events of 500 workspaces, through a day: 200 of each workspace, one in 7.2 minutes. */
const EVENTS = 100_000
const workspaceIds = Array.from({ length: 500 }, (_, index) => `ws-${index}`)
const OURS = 'ws-7'
const PATH = `/v1/workspaces/${OURS}`
const numbers = Array.from({ length: 200 }, (_, index) => String(index * 500 + 7))

const config = () =>
  kafkaConfigOf({ ...testStack().env, TOPIC_PREFIX: prefix, TOPIC_PARTITIONS: '12' })
const prefix = freshPrefix()

let databaseUrl: string
let day: DayOfCalls
let api: TestConsole
let log: ReturnType<typeof openEventLog>
let pool: Pool

beforeAll(async () => {
  databaseUrl = await freshDatabase()
  pool = createPool({
    databaseUrl: new Secret(databaseUrl),
    applicationName: 'test',
    connectionsMax: 2,
    logger: quiet,
  })
  day = await writeDay(config(), { events: EVENTS, workspaceIds })
  log = openEventLog(config(), pool, { clock: systemClock, logger: quiet })
  api = await startMigratedConsole(databaseUrl, { eventLog: log })
  await api.call(`PUT ${PATH}`, { body: {} })
}, 120_000)

afterAll(async () => {
  await api.close()
  await log.stop()
  await pool.end()
})

const iso = (at: number) => new Date(at).toISOString()
const numbersOf = ({ body }: Answer): string[] =>
  body.items.map(({ providerCallId }: { providerCallId: string }) => providerCallId)

/** Log time of our nth event. */
const timeOf = (nth: number) => Math.floor(day.beganAt + Number(numbers[nth]) * day.everyMs)

async function pull(query: Readonly<Record<string, string>>): Promise<Answer> {
  const answer = await api.call(`GET ${PATH}/calls?${new URLSearchParams(query)}`)
  expect(answer.status, answer.text).toBe(200)
  return answer
}

/** Follows `nextCursor` to the end. */
async function pullAll(query: Readonly<Record<string, string>>): Promise<Answer[]> {
  const pages = [await pull(query)]
  for (let cursor = pages[0]?.body.nextCursor; cursor !== null; ) {
    const page = await pull({ cursor, limit: query['limit'] ?? '100' })
    pages.push(page)
    cursor = page.body.nextCursor
  }
  return pages
}

function report(what: string, bytesRead: number, ms?: number): void {
  const share = ((100 * bytesRead) / day.bytes).toFixed(2)
  const took = ms === undefined ? '' : `, ${Math.round(ms)} ms`
  console.log(`${what}: ${bytesRead} bytes read, ${share} % of a log of ${day.bytes}${took}`)
}

describe('calls pulled from the log of a day', () => {
  it('are there within a second, the first page of a fresh connection to Kafka', async () => {
    const startedAt = performance.now()

    const page = await pull({ since: iso(day.beganAt) })

    const ms = performance.now() - startedAt
    report('first page', page.body.cost.bytesRead, ms)
    expect(ms).toBeLessThan(1_000)
    expect(numbersOf(page)).toEqual(numbers.slice(0, 100))
    expect(page.body.items[0]).toEqual(aCallEvent(OURS, '7'))
  })

  it('are complete and in order, page by page', async () => {
    const pages = await pullAll({ limit: '30' })

    expect(pages.flatMap(numbersOf)).toEqual(numbers)
    expect(pages.every(({ body }) => body.items.length <= 30)).toBe(true)
    report(
      'the whole day',
      pages.reduce((sum, { body }) => sum + body.cost.bytesRead, 0),
    )
  })

  it.each([
    ['the last hour', 191, 200],
    ['an hour in the morning', 70, 79],
  ])('cost little for %s, since Kafka knows where it begins', async (what, from, to) => {
    const until = to === 200 ? {} : { until: iso(timeOf(to)) }

    const { body, ...page } = await pull({ since: iso(timeOf(from)), ...until })

    report(what, body.cost.bytesRead)
    expect(numbersOf({ body, ...page })).toEqual(numbers.slice(from, to))
    expect(body.nextCursor).toBeNull()
    // One partition of twelve, and an hour or one fetch of it.
    expect(body.cost.bytesRead).toBeGreaterThan(0)
    expect(body.cost.bytesRead).toBeLessThan(day.bytes / 50)
  })

  it('go on where they were after a restart of the console, in another process’ stead', async () => {
    const first = await pull({ limit: '50' })
    const otherLog = openEventLog(config(), pool, { clock: systemClock, logger: quiet })
    const other = await startConsole(databaseUrl, { eventLog: otherLog })
    onTestFinished(async () => {
      await other.close()
      await otherLog.stop()
    })

    const query = new URLSearchParams({ cursor: first.body.nextCursor, limit: '50' })
    const second = await other.call(`GET ${PATH}/calls?${query}`)

    expect(numbersOf(second)).toEqual(numbers.slice(50, 100))
  })

  it('are no others with the cursor of another workspace', async () => {
    const { body } = await pull({ limit: '1' })
    await api.call('PUT /v1/workspaces/ws-8', { body: {} })

    const stolen = await api.call(`GET /v1/workspaces/ws-8/calls?cursor=${body.nextCursor}`)

    expect(stolen).toMatchObject({ status: 422, body: { errors: [{ path: 'query.cursor' }] } })
  })

  it('have masked numbers when the connection masks them', async () => {
    await api.call('PUT /v1/workspaces/ws-9', { body: {} })
    await api.pool.query(
      `insert into connections (workspace_id, state, mask_numbers) values ('ws-9', 'disconnected', true)`,
    )

    const { body, text } = await api.call('GET /v1/workspaces/ws-9/calls?limit=1')

    expect(body.items[0].client.number).toBe('+380 67 ••• 4567')
    expect(text).not.toContain('+380671234567')
  })
})

async function recordAsPublished(eventId: string, at: Date): Promise<void> {
  await api.pool.query(
    `insert into published_events (event_id, workspace_id, call_id, provider, provider_call_id,
       recording_status, published_at)
     values ($1, $2, 'call_1', 'binotel', '1', 'none', $3)`,
    [eventId, OURS, at],
  )
}

async function recordAsDead(eventId: string, at: Date): Promise<void> {
  await api.pool.query(
    `insert into dead_letters (workspace_id, event_id, event, reason, attempts, first_failed_at,
       dead_at)
     values ($2, $1, 'call.completed', 'ATTEMPTS', 9, $3, now())`,
    [eventId, OURS, at],
  )
}

describe('one event', () => {
  /** Tried once, two seconds after it was accepted. */
  async function tried(nth: number): Promise<string> {
    const { eventId } = aCallEvent(OURS, numbers[nth] ?? '')
    const at = timeOf(nth) + 2_000
    const nextAttemptAt = at + minutes(1)
    const failed = { outcome: 'retrying', errorClass: 'server_error', status: 500 } as const
    await insertAttempts(api.pool, [
      anAttempt({ workspaceId: OURS, eventId, ...failed, durationMs: 500, at, nextAttemptAt }),
      anAttempt({ workspaceId: OURS, eventId, attempt: 2, durationMs: 20, at: at + minutes(1) }),
      anAttempt({ workspaceId: 'ws-8', eventId, attempt: 3, at: at + minutes(2) }),
    ])
    return eventId
  }

  it('shows its attempts, the oldest first, and its content from the log', async () => {
    const eventId = await tried(100)

    const { status, body } = await api.call(`GET ${PATH}/events/${eventId}`)

    expect(status).toBe(200)
    expect(body).toMatchObject({
      eventId,
      event: 'call.completed',
      acceptedAt: iso(timeOf(100)),
      attempts: [
        { eventId, attempt: 1, outcome: 'retrying', errorClass: 'server_error', status: 500 },
        { eventId, attempt: 2, outcome: 'delivered', errorClass: null, nextAttemptAt: null },
      ],
      nextAttemptAt: null,
      request: { url: null, headers: {} },
      requestMissing: null,
    })
    expect(JSON.parse(body.request.body)).toEqual(aCallEvent(OURS, numbers[100] ?? ''))
  })

  it.each([
    ['it was published and never tried', 110, recordAsPublished],
    ['its attempts are forgotten but it is a dead letter', 111, recordAsDead],
  ])('is found when %s', async (_why, nth, record) => {
    const { eventId } = aCallEvent(OURS, numbers[nth] ?? '')
    await record(eventId, new Date(timeOf(nth) + 300))

    const { body } = await api.call(`GET ${PATH}/events/${eventId}`)

    expect(body).toMatchObject({ event: 'call.completed', attempts: [], requestMissing: null })
    expect(body.acceptedAt).toBe(iso(timeOf(nth)))
  })

  it('is not there for another workspace, or when nobody knows it', async () => {
    const known = await tried(102)
    const unknown = aCallEvent(OURS, numbers[101] ?? '').eventId
    await api.call('PUT /v1/workspaces/ws-10', { body: {} })

    const answers = [
      await api.call(`GET /v1/workspaces/ws-10/events/${known}`),
      await api.call(`GET ${PATH}/events/${unknown}`),
    ]

    expect(answers.map(({ status }) => status)).toEqual([404, 404])
  })

  it('that retention has removed still shows its attempts', async () => {
    const eventId = await tried(20)
    const { body: before } = await pull({ limit: '10' })
    const partition = log.partitionOf(OURS)
    const offset = (await log.offsetAt(partition, timeOf(30))) ?? 0
    await removeBefore(config(), { topic: day.topic, partition, offset })

    const event = await api.call(`GET ${PATH}/events/${eventId}`)
    const asked = await pull({ since: iso(timeOf(10)), limit: '500' })
    const overtaken = await pull({ cursor: before.nextCursor, limit: '500' })
    const left = await pull({ limit: '500' })

    expect(event.body).toMatchObject({ request: null, requestMissing: 'retention' })
    expect(event.body.attempts).toHaveLength(2)
    for (const page of [asked, overtaken, left]) expect(numbersOf(page)).toEqual(numbers.slice(30))
    const from = iso(timeOf(30))
    expect(asked.body.availableFrom).toBe(from)
    expect(overtaken.body.availableFrom).toBe(from)
    expect(left.body.availableFrom).toBeNull()
  })
})

describe('a console without Kafka', () => {
  it('says so where the log is needed and serves everything else', async () => {
    const away = { ...config(), brokers: [`127.0.0.1:${await closedPort()}`] }
    const awayLog = openEventLog(away, pool, { clock: systemClock, logger: quiet })
    const cutOff = await startConsole(databaseUrl, { eventLog: awayLog })
    onTestFinished(async () => {
      await cutOff.close()
      await awayLog.stop()
    })

    const calls = await cutOff.call(`GET ${PATH}/calls`)
    const connection = await cutOff.call(`GET ${PATH}/connection`)

    expect(calls).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      body: { detail: 'The log does not answer.' },
    })
    expect(connection.status).toBe(200)
  })
})
