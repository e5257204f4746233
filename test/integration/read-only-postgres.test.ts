import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { checkDatabase } from '../../services/shared/postgres/pool.ts'
import { binotelCall } from '../support/binotel-call.ts'
import { startMigratedConsole } from '../support/console.ts'
import { whileRestored } from '../support/database-copy.ts'
import { knock, postRaw } from '../support/door.ts'
import { endOfCall } from '../support/end-of-call.ts'
import { eventually } from '../support/eventually.ts'
import { whileReadOnly } from '../support/read-only.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { freshDatabase, testStack } from '../support/stack.ts'

/**
 * A Postgres that answers and takes no writes, as a replica after a fail-over. It counts as away:
 * taken for a bug, each webhook was answered 503, and most providers never send one again.
 */

const BROUGHT_IN_WITHIN_MS = 30_000

describe('a normalizer whose Postgres is read-only', () => {
  let bench: NormalizerBench
  let doors: readonly string[]

  beforeAll(async () => {
    bench = await NormalizerBench.open(testStack().env)
    doors = [await bench.start(), await bench.start()]
  })
  afterAll(() => bench.stop())

  const whileItIs = <T>(work: () => Promise<T>) =>
    whileReadOnly(bench.config.databaseUrl.reveal(), work)
  const idsFrom = async (first: string) =>
    (await bench.events()).map(({ providerCallId }) => providerCallId).filter((id) => id >= first)

  it('publishes calls of a source that it knows, in order', async () => {
    const path = await bench.addSource('binotel')
    await knock(doors[0] + path, binotelCall('750000'))
    const calls = Array.from({ length: 8 }, (_, index) => String(750_001 + index))

    const statuses = await whileItIs(async () => {
      const answers: number[] = []
      for (const call of calls)
        answers.push((await knock(doors[0] + path, binotelCall(call))).status)
      return answers
    })

    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(await idsFrom('750000')).toEqual(['750000', ...calls])
    expect(await bench.rejected()).toEqual([])
  })

  it('keeps those of a source not seen before, and brings them in by itself, in order, once', async () => {
    const path = await bench.addSource('binotel')
    const calls = Array.from({ length: 8 }, (_, index) => String(751_001 + index))

    const statuses = await whileItIs(async () => {
      const answers: number[] = []
      for (const [index, call] of [...calls, '751001'].entries()) {
        answers.push((await knock(doors[index % 2] + path, binotelCall(call))).status)
      }
      return answers
    })
    await eventually(
      async () => expect(await bench.eventsOf('751008')).toHaveLength(1),
      BROUGHT_IN_WITHIN_MS,
    )

    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(await idsFrom('751000')).toEqual(calls)
  })

  it('keeps parts of calls, and brings them in', async () => {
    const path = await bench.addSource('stream-telecom')
    await postRaw(doors[0] + path, endOfCall('1586343097.752001'), 'application/json')

    const { status } = await whileItIs(() =>
      postRaw(doors[0] + path, endOfCall('1586343097.752002'), 'application/json'),
    )
    expect(status).toBe(200)
    await eventually(
      async () => expect(await bench.eventsOf('1586343097.752002')).toHaveLength(1),
      BROUGHT_IN_WITHIN_MS,
    )

    const reasons = (await bench.rejected()).map(({ headers }) => headers['reason'])
    expect(new Set(reasons)).toEqual(new Set(['source_unavailable', 'held_legs_unavailable']))
  })
})

describe.each(['closed', 'dropped'] as const)(
  'a normalizer whose database a restore has %s',
  (how) => {
    let bench: NormalizerBench
    let door: string

    beforeAll(async () => {
      bench = await NormalizerBench.open(testStack().env)
      door = await bench.start()
    })
    afterAll(() => bench.stop())

    it('takes calls, parts of calls and those of a new source, and brings them in', async () => {
      const [known, parts, unknown] = [
        await bench.addSource('binotel'),
        await bench.addSource('stream-telecom'),
        await bench.addSource('binotel'),
      ]
      const part = (id: string) => postRaw(door + parts, endOfCall(id), 'application/json')
      await knock(door + known, binotelCall('753001'))
      await part('1586343097.753002')

      const answers = await whileRestored(bench.config.databaseUrl.reveal(), how, async () => [
        await knock(door + known, binotelCall('753003')),
        await part('1586343097.753004'),
        await knock(door + unknown, binotelCall('753005')),
      ])

      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      await eventually(async () => {
        for (const id of ['753003', '1586343097.753004', '753005']) {
          expect(await bench.eventsOf(id)).toHaveLength(1)
        }
      }, BROUGHT_IN_WITHIN_MS)
    })
  },
)

describe('a console whose Postgres is read-only', () => {
  it('answers 503 and says when to ask again, is not ready, and goes on when it is over', async () => {
    const url = await freshDatabase()
    const api = await startMigratedConsole(url)
    onTestFinished(() => api.close())
    const put = () => api.call('PUT /v1/workspaces/ws_1', { body: {} })
    await put()

    const [answer, health] = await whileReadOnly(url, async () => [
      await put(),
      await checkDatabase(api.pool),
    ])

    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      body: { detail: 'The database takes no changes at the moment: nothing was changed.' },
    })
    expect(health).toMatchObject({ ok: false, reason: expect.stringContaining('read-only') })
    expect((await put()).status).toBe(200)
  })

  it('does not wait for sessions of that time to end: none stays in its pool', async () => {
    const url = await freshDatabase()
    const api = await startMigratedConsole(url)
    onTestFinished(() => api.close())
    const put = () => api.call('PUT /v1/workspaces/ws_1', { body: {} })
    const get = () => api.call('GET /v1/workspaces/ws_1')
    await put()

    await whileReadOnly(url, () => Promise.all([get(), get(), get()]))

    expect((await put()).status).toBe(200)
  })
})
