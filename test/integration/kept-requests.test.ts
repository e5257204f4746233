import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken, newToken } from '../../services/shared/access-token.ts'
import { binotelCall } from '../support/binotel-call.ts'
import { knock, postRaw } from '../support/door.ts'
import { endOfCall } from '../support/end-of-call.ts'
import { eventually } from '../support/eventually.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { testStack, withoutPostgres } from '../support/stack.ts'

/**
 * Webhooks of sources that neither of two normalizers has seen, on a real stack without Postgres.
 * What is kept is settled 5.5 s after it came.
 */

let bench: NormalizerBench
let doors: readonly string[]
const stack = testStack()
const BROUGHT_IN_WITHIN_MS = 30_000

beforeAll(async () => {
  bench = await NormalizerBench.open(stack.env)
  doors = [await bench.start(), await bench.start()]
})

afterAll(() => bench.stop())

const tokenOf = (path: string) => path.split('/').at(-1) ?? ''

describe('with Postgres away', () => {
  it('keeps the calls of a source not seen before, and brings them in by itself, in order, once', async () => {
    const path = await bench.addSource('binotel')
    const calls = Array.from({ length: 12 }, (_, index) => String(720_001 + index))
    const statuses: number[] = []
    // Another replica each time; the first call of each finds out that Postgres is away.
    await withoutPostgres(stack, async () => {
      for (const [index, call] of [...calls, '720001'].entries()) {
        const door = doors[index % doors.length]
        const response = await knock(door + path, binotelCall(call))
        statuses.push(response.status)
      }
    })

    await eventually(
      async () => expect(await bench.eventsOf('720012')).toHaveLength(1),
      BROUGHT_IN_WITHIN_MS,
    )

    expect(new Set(statuses)).toEqual(new Set([200]))
    const ids = (await bench.events()).map(({ providerCallId }) => providerCallId)
    expect(ids).toEqual(calls)
    const reasons = (await bench.rejected()).map(({ headers }) => headers['reason'])
    expect(new Set(reasons)).toEqual(new Set(['source_unavailable']))
  })

  it('answers 404 to a forged token, and 503 to one of before, which proves nothing', async () => {
    const path = await bench.addSource('binotel')
    const forged = path.endsWith('A') ? `${path.slice(0, -1)}B` : `${path.slice(0, -1)}A`
    const [ofAnother, old] = [path.replace('binotel', 'phonet'), newToken('src_')]
    const before = (await bench.rejected()).length

    const statuses = await withoutPostgres(stack, () =>
      Promise.all(
        [forged, ofAnother, `/hooks/binotel/${old}`].map(
          async (wrong) => (await postRaw(doors[0] + wrong, '{}', 'application/json')).status,
        ),
      ),
    )

    expect(statuses).toEqual([404, 404, 503])
    expect(await bench.rejected()).toHaveLength(before)
  })

  it('drops what came for a source that is gone, or by a token that was replaced', async () => {
    const [gone, replaced, stays] = [
      await bench.addSource('binotel'),
      await bench.addSource('binotel'),
      await bench.addSource('binotel'),
    ]
    const hashes = [hashToken(tokenOf(gone)), hashToken(tokenOf(replaced))]
    await bench.pool.query('delete from sources where token_hash = $1', [hashes[0]])
    await bench.pool.query('update sources set token_hash = $2 where token_hash = $1', [
      hashes[1],
      hashToken('another'),
    ])

    const statuses = await withoutPostgres(stack, async () => {
      const answers: number[] = []
      for (const [index, path] of [gone, replaced, stays].entries()) {
        answers.push((await knock(doors[0] + path, binotelCall(`73000${index}`))).status)
      }
      return answers
    })
    await eventually(
      async () => expect(await bench.eventsOf('730002')).toHaveLength(1),
      BROUGHT_IN_WITHIN_MS,
    )

    expect(statuses).toEqual([200, 200, 200])
    expect(await bench.eventsOf('730000')).toEqual([])
    expect(await bench.eventsOf('730001')).toEqual([])
  })

  it('brings in parts of calls that had no place', async () => {
    const path = await bench.addSource('stream-telecom')
    await postRaw(doors[0] + path, endOfCall('1586343097.740001'), 'application/json')

    const status = await withoutPostgres(
      stack,
      async () =>
        (await postRaw(doors[0] + path, endOfCall('1586343097.740002'), 'application/json')).status,
    )
    await eventually(
      async () => expect(await bench.eventsOf('1586343097.740002')).toHaveLength(1),
      BROUGHT_IN_WITHIN_MS,
    )

    expect(status).toBe(200)
  })
})
