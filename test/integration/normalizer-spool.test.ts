import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binotelCall } from '../support/binotel-call.ts'
import { knock, postRaw } from '../support/door.ts'
import { endOfCall } from '../support/end-of-call.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { testStack, withoutPostgres } from '../support/stack.ts'

/** Calls that come while Kafka is away, to two normalizers on a real stack. */

let bench: NormalizerBench
let doors: readonly string[]
const stack = testStack()

beforeAll(async () => {
  bench = await NormalizerBench.open(stack.env)
  doors = [await bench.start(), await bench.start()]
})

afterAll(() => bench.stop())

const spooled = async () =>
  (await bench.pool.query<{ entries: string }>('select entries from spool_size')).rows[0]?.entries

/** One after the other, each to another replica than the one before. */
async function callInTurn(path: string, calls: readonly string[]): Promise<number[]> {
  const statuses: number[] = []
  for (const [index, call] of calls.entries()) {
    const response = await knock(`${doors[index % doors.length]}${path}`, binotelCall(call))
    statuses.push(response.status)
  }
  return statuses
}

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => String(from + index))

describe('with Kafka away', () => {
  it('answers success to what comes once, and brings all of it into the log once and in order', async () => {
    const path = await bench.addSource('binotel')
    await callInTurn(path, ['800000'])
    await stack.stopServer('kafka')
    const while_ = numbered(800_001, 30)
    let statuses: number[]
    let unreadable: Response
    let count: string | undefined
    try {
      statuses = await callInTurn(path, while_)
      unreadable = await postRaw(doors[0] + path, '{', 'application/json')
      count = await spooled()
    } finally {
      await stack.startServer('kafka')
    }
    // At once, while the spool still holds the ones before.
    const after = numbered(800_031, 30)
    const later = await callInTurn(path, after)

    await expect.poll(spooled, { timeout: 30_000 }).toBe('0')
    expect(new Set([...statuses, ...later])).toEqual(new Set([200]))
    expect(unreadable.status).toBe(422)
    expect(Number(count)).toBe(31)
    const ids = (await bench.events()).map(({ providerCallId }) => providerCallId)
    expect(ids).toEqual(['800000', ...while_, ...after])
    expect(await bench.rejected()).toHaveLength(1)
  })

  it('answers 503 within 5 s when Postgres is away as well', async () => {
    const path = await bench.addSource('binotel')
    await callInTurn(path, ['810000', '810001'])
    await stack.stopServer('kafka')
    await stack.stopServer('postgres')
    try {
      const startedMs = performance.now()
      const response = await knock(doors[0] + path, binotelCall('810002'))

      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('5')
      expect(performance.now() - startedMs).toBeLessThan(5_000)
    } finally {
      await stack.startServer('postgres')
      await stack.startServer('kafka')
    }
  })
})

describe('with Postgres away', () => {
  it('keeps a part of a call raw and answers success', async () => {
    const path = await bench.addSource('stream-telecom')
    // Seen before, so that the source is known.
    await postRaw(doors[0] + path, endOfCall('1586343097.800001'), 'application/json')
    const before = (await bench.rejected()).length
    const { status } = await withoutPostgres(stack, () =>
      postRaw(doors[0] + path, endOfCall('1586343097.800002'), 'application/json'),
    )

    expect(status).toBe(200)
    const kept = (await bench.rejected()).slice(before)
    expect(kept.map(({ headers }) => headers['reason'])).toEqual(['held_legs_unavailable'])
  })
})
