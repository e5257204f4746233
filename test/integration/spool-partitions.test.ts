import { expect, it, onTestFinished } from 'vitest'
import { sealEntry } from '../../services/normalizer/spool/entry.ts'
import { identify } from '../../services/shared/call-event.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { partitionOfKey } from '../../services/shared/kafka/partitioner.ts'
import { sightEvents } from '../../services/shared/postgres/published-events.ts'
import { insertEntries } from '../../services/shared/postgres/spool.ts'
import { readLoggedCalls } from '../support/logged-calls.ts'
import { callFacts, quiet } from '../support/normalizer-fakes.ts'
import { NormalizerBench } from '../support/running-normalizer.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

/** What waits in the spool, while a part of it cannot go. */

const limits = { requestsMax: 1e6, bytesMax: 1e9, ageMaxMs: 1e9 }

async function open(partitions: number): Promise<NormalizerBench> {
  const bench = await NormalizerBench.open(testStack().env, {
    TOPIC_PARTITIONS: String(partitions),
  })
  onTestFinished(() => bench.stop())
  return bench
}

interface Placing {
  readonly attemptedAt?: Date
  readonly ageMaxMs?: number
}

/** Puts calls of a workspace into the spool, as if Kafka had been away when they came. */
async function spool(
  bench: NormalizerBench,
  workspaceId: string,
  calls: readonly string[],
  { attemptedAt, ageMaxMs = limits.ageMaxMs }: Placing = {},
) {
  const entries = calls.map((providerCallId) => {
    const event = identify(callFacts({ providerCallId }), workspaceId)
    return {
      workspaceId,
      event: { ...event, fingerprint: null },
      attemptedAt: attemptedAt ?? null,
      onlyBehind: false,
      entrySealed: sealEntry({ kind: 'event', event, fingerprint: null }, bench.config.secretBox),
    }
  })
  return insertEntries(bench.pool, entries, {
    limits: { ...limits, ageMaxMs },
    isWanted: () => true,
  })
}

/** Entries of lviv whose key is gone. */
async function addUnopenable(
  bench: NormalizerBench,
  { count, ageHours }: { readonly count: number; readonly ageHours: number },
): Promise<void> {
  await bench.pool.query(
    `insert into spool (workspace_id, size_bytes, entry_sealed, spooled_at)
     select 'lviv', 4, 'gone', now() - make_interval(hours => $2) from generate_series(1, $1)`,
    [count, ageHours],
  )
  const size = 'update spool_size set entries = entries + $1, bytes = bytes + 4 * $1'
  await bench.pool.query(size, [count])
}

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => String(from + index))

/** How many entries of a workspace wait. */
const waiting = (bench: NormalizerBench, workspaceId: string) => async () => {
  const { rows } = await bench.pool.query<{ count: number }>(
    'select count(*)::int as count from spool where workspace_id = $1',
    [workspaceId],
  )
  return rows[0]?.count
}

it('a transaction that somebody leaves open holds up its own partition only, and its order stays', async () => {
  const bench = await open(2)
  const [sick, well] = ['kyiv', 'lviv', 'odesa', 'dnipro', 'sumy'].filter(
    (one, index, all) =>
      all.findIndex((each) => partitionOfKey(each, 2) === partitionOfKey(one, 2)) === index,
  )
  if (!sick || !well) throw new Error('a workspace for each partition is needed')
  const kafka = createKafka(bench.config.kafka, 'foreign', quiet)
  const foreign = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: freshPrefix(),
    transactionTimeout: 300_000,
  })
  await foreign.connect()
  onTestFinished(() => foreign.disconnect())
  const transaction = await foreign.transaction()
  const messages = [{ partition: partitionOfKey(sick, 2), key: sick, value: 'not yet' }]
  await transaction.send({ topic: bench.names.events, messages })
  // Of these nobody can say whether they lie behind the open transaction; more than a round takes.
  const inDoubt = numbered(1_000, 600)
  await spool(bench, sick, inDoubt, { attemptedAt: new Date(Date.now() - 10_000) })
  const later = numbered(2_000, 5)
  await spool(bench, sick, later)
  const healthy = numbered(3_000, 20)
  await spool(bench, well, healthy.slice(0, 10), { attemptedAt: new Date(Date.now() - 10_000) })
  await spool(bench, well, healthy.slice(10))

  await bench.start()
  await expect.poll(waiting(bench, well), { timeout: 15_000 }).toBe(0)
  // It comes up while the sick one waits, and does not wait with it.
  await spool(bench, well, ['3999'])
  await expect.poll(waiting(bench, well), { timeout: 5_000 }).toBe(0)
  expect(await waiting(bench, sick)()).toBe(605)

  await transaction.abort()
  await expect.poll(waiting(bench, sick), { timeout: 30_000 }).toBe(0)
  const calls = await readLoggedCalls(bench.env)
  expect(calls.get(sick)).toEqual([...inDoubt, ...later])
  expect(calls.get(well)).toEqual([...healthy, '3999'])
})

it('more than 1,000 stuck entries of one workspace stop no other, nor its own later calls', async () => {
  const bench = await open(1)
  const stuck = 1_200
  await addUnopenable(bench, { count: stuck, ageHours: 0 })
  await spool(bench, 'kyiv', ['1', '2'])
  await spool(bench, 'lviv', ['3'])

  await bench.start()
  await expect.poll(waiting(bench, 'kyiv'), { timeout: 15_000 }).toBe(0)
  await expect.poll(waiting(bench, 'lviv'), { timeout: 15_000 }).toBe(stuck)
  await spool(bench, 'kyiv', ['4'])
  await expect.poll(waiting(bench, 'kyiv'), { timeout: 5_000 }).toBe(0)

  const calls = await readLoggedCalls(bench.env)
  expect([calls.get('kyiv'), calls.get('lviv')]).toEqual([['1', '2', '4'], ['3']])
})

it('a stuck entry, however old, is nobody’s reason to be refused or to queue', async () => {
  const bench = await open(1)
  await addUnopenable(bench, { count: 1, ageHours: 48 })
  const ageMaxMs = 3_600_000
  expect(await spool(bench, 'kyiv', ['1'], { ageMaxMs })).toBeNull()

  await bench.start()
  const known = 'select from spool where stuck_at is not null'
  await expect.poll(async () => (await bench.pool.query(known)).rowCount).toBe(1)

  expect(await spool(bench, 'kyiv', ['2'], { ageMaxMs })).toEqual(['spooled'])
  const names = [{ eventId: 'any', workspaceId: 'lviv' }]
  expect((await sightEvents(bench.pool, names)).queued).toEqual(new Set())
})
