import { connect, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { REMEMBERED } from '../../services/normalizer/forget.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { cleanUp } from '../../services/shared/postgres/clean-up.ts'
import { binotelCall } from '../support/binotel-call.ts'
import { knock, postRaw } from '../support/door.ts'
import { endOfCall } from '../support/end-of-call.ts'
import { eventually } from '../support/eventually.ts'
import { freePorts, Product } from '../support/product.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { testStack, withoutPostgres } from '../support/stack.ts'

/** A normalizer on a real stack of which a part is away, or whose memory is a week old. */

let bench: NormalizerBench
let door: string
const stack = testStack()
/** What is kept is settled 5.5 s after it came. */
const BROUGHT_IN_WITHIN_MS = 20_000

beforeAll(async () => {
  bench = await NormalizerBench.open(stack.env)
  door = await bench.start()
})

afterAll(() => bench.stop())

describe('after 7 days', () => {
  it('forgets published events and sessions with their legs, and nothing younger', async () => {
    const path = await bench.addSource('stream-telecom')
    for (const sessionid of ['1586343097.900001', '1586343097.900002']) {
      await postRaw(door + path, endOfCall(sessionid), 'application/json')
      await expect.poll(() => bench.eventsOf(sessionid), { timeout: 20_000 }).toHaveLength(1)
    }
    const behind = new Map<string, number>()
    const old = `published_at = now() - interval '8 days'`
    const rows = async (text: string) => (await bench.pool.query<{ id: string }>(text)).rows
    const call = `provider_call_id like '1586343097.9%'`
    const session = `session_id like '1586343097.9%'`
    // Marked a moment after the event is in the log.
    await expect
      .poll(() => rows(`select session_id from held_sessions where ${session} and due_at is null`))
      .toHaveLength(2)
    await rows(`update published_events set ${old} where provider_call_id = '1586343097.900001'`)
    await rows(`update held_sessions set ${old} where session_id = '1586343097.900001'`)

    const logger = createLogger('normalizer', 'silent')
    const told = (table: string, seconds: number) => behind.set(table, Math.round(seconds / 3_600))
    const { signal } = new AbortController()
    await cleanUp({ pool: bench.pool, retentions: REMEMBERED, told, logger }, signal)

    expect(behind.get('published_events')).toBe(24)
    expect(behind.get('held_sessions')).toBe(24)
    const young = [{ id: '1586343097.900002' }]
    expect(await rows(`select provider_call_id as id from published_events where ${call}`)).toEqual(
      young,
    )
    expect(await rows(`select session_id as id from held_sessions where ${session}`)).toEqual(young)
    expect(await rows(`select session_id as id from held_legs where ${session}`)).toEqual(young)
  })
})

describe('with Postgres away', () => {
  it('goes on taking webhooks of the sources that it knows', async () => {
    const path = await bench.addSource('binotel')
    await knock(door + path, binotelCall('700011'))
    await withoutPostgres(stack, async () => {
      const response = await knock(door + path, binotelCall('700012'))
      const unseen = await knock(`${door}/hooks/binotel/src_never_seen`, binotelCall('700013'))

      expect(response.status).toBe(200)
      // Not 404: nobody can tell now whether there is such a source.
      expect(unseen.status).toBe(503)
    })
    expect(await bench.eventsOf('700012')).toHaveLength(1)
  })

  it('starts, keeps what a token vouches for, and is whole once Postgres is back', async () => {
    const path = await bench.addSource('binotel')
    const { TOPIC_PREFIX: topicPrefix = '' } = bench.env
    const real = new URL(bench.env['DATABASE_URL'] ?? '')
    // The registry of this stack keeps its schemas in the same server, so only the way there is closed.
    const [port] = await freePorts(1)
    const databaseUrl = Object.assign(new URL(real), { port: String(port) }).href
    const env = { ...bench.env, DATABASE_URL: databaseUrl }
    const product = await Product.prepare({ stack: stack.env, databaseUrl, topicPrefix, env })
    const way = createServer((socket) => {
      const server = connect(Number(real.port), real.hostname)
      for (const end of [socket, server]) end.on('error', () => socket.destroy())
      socket.pipe(server).pipe(socket)
    })
    onTestFinished(async () => {
      await product.stop()
      way.close()
    })
    const started = product.env['NORMALIZER_PUBLIC_URL'] ?? ''

    await product.start('normalizer')
    const kept = await knock(started + path, binotelCall('700021'))
    way.listen(port, '127.0.0.1')
    await eventually(async () => {
      await knock(started + path, binotelCall('700022'))
      expect(await bench.eventsOf('700022')).toHaveLength(1)
    })
    await eventually(
      async () => expect(await bench.eventsOf('700021')).toHaveLength(1),
      BROUGHT_IN_WITHIN_MS,
    )

    expect(kept.status).toBe(200)
  })
})
