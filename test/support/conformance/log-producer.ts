import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LogRecord, Permission } from '../../../services/shared/kafka/producer.ts'
import { eventually } from '../eventually.ts'
import { type KafkaEnvironment, type LogEnvironment, PARTITIONS } from './environments.ts'
import { Ledger, startLoad } from './ledger.ts'

/**
 * What the callers of `LogProducer` rely on, as tests: for the real producer on fake brokers and on
 * three real ones, and for what stands in its place in other tests.
 */

type MakeLog = () => Promise<LogEnvironment>
type MakeKafka = (options?: { readonly replicas?: number }) => Promise<KafkaEnvironment>

/** Records of each partition that have to get through before and after something happens. */
const SOME = 6
/** A broker that hangs must not hold up others at all; so long is what a busy machine takes. */
const AT_ONCE_MS = 2_500
const RECOVERY_MS = 60_000

export function writesRecords(aLog: MakeLog): void {
  describe('writes records', () => {
    it('and tells the offset of each', async () => {
      const { topic, aProducer, written } = await aLog()
      const producer = await aProducer()

      const offsets: number[] = []
      for (const value of ['a', 'b', 'c']) offsets.push(await producer.send(aRecord(topic, value)))

      const log = await written(0)
      expect(offsets.map((offset) => log.find((one) => one.offset === offset)?.value)).toEqual([
        'a',
        'b',
        'c',
      ])
    })

    it('of one partition in the order of the calls', async () => {
      const { topic, aProducer, written } = await aLog()
      const producer = await aProducer()
      const values = Array.from({ length: 100 }, (_, index) => String(index))

      await Promise.all(values.map((value) => producer.send(aRecord(topic, value))))

      expect((await written(0)).map(({ value }) => value)).toEqual(values)
    })

    it('but not what may never be written any more', async () => {
      const { topic, aProducer, written } = await aLog()
      const producer = await aProducer()
      const ledger = new Ledger()
      const mayWrite = () => 'never' as const

      const outcomes = await Promise.all([
        ledger.send(producer, aRecord(topic, 'a')),
        ledger.send(producer, aRecord(topic, 'replaced'), { mayWrite }),
        ledger.send(producer, aRecord(topic, 'c')),
      ])

      expect(outcomes[1]).toBe('not-written')
      expect((await written(0)).map(({ value }) => value)).toEqual(['a', 'c'])
      expect(ledger.contradictions(0, await written(0))).toEqual([])
    })
  })
}

export function waitsForPermission(aLog: MakeLog): void {
  it('holds a record back while its permission is in doubt, and what comes behind it', async () => {
    const { topic, aProducer, written } = await aLog()
    const producer = await aProducer()
    const doubt = inDoubt()

    const sent = Promise.all([
      producer.send(aRecord(topic, 'in doubt'), doubt),
      producer.send(aRecord(topic, 'behind it')),
    ])
    await eventually(() => expect(doubt.asked).toBeGreaterThan(1))
    expect(await written(0)).toEqual([])
    doubt.permission = 'yes'

    expect(await sent).toEqual([0, 1])
    expect((await written(0)).map(({ value }) => value)).toEqual(['in doubt', 'behind it'])
  })

  it('for as long as it has, whatever the wall clock says meanwhile', async () => {
    const { topic, aProducer, written } = await aLog()
    const producer = await aProducer()
    const doubt = inDoubt()

    const sent = producer.send(aRecord(topic, 'over a step'), doubt)
    await eventually(() => expect(doubt.asked).toBeGreaterThan(1))
    for (const byMs of [HOUR_MS, -HOUR_MS]) {
      setWallClock(byMs)
      const before = doubt.asked
      await eventually(() => expect(doubt.asked).toBeGreaterThan(before))
    }
    doubt.permission = 'yes'

    expect(await sent).toBe(0)
    expect((await written(0)).map(({ value }) => value)).toEqual(['over a step'])
  })
}

/** A writer whose permission is in doubt until a test says otherwise, and how often it was asked. */
function inDoubt() {
  const doubt = {
    permission: 'not_yet' as Permission,
    asked: 0,
    mayWrite: (): Permission => {
      doubt.asked++
      return doubt.permission
    },
  }
  return doubt
}

const HOUR_MS = 3_600_000

/** For the rest of the test: whoever asks it is told a time that is so much off. */
function setWallClock(byMs: number): void {
  const startedAt = performance.timeOrigin + byMs
  const set = vi
    .spyOn(Date, 'now')
    .mockImplementation(() => Math.round(startedAt + performance.now()))
  onTestFinished(() => set.mockRestore())
}

/** `withinMs`: of one test, since real brokers need their time to die and to come back. */
export function keepsItsWordInTrouble(aKafka: MakeKafka, withinMs: number): void {
  const timeout = withinMs

  it('refuses one record that is too large, and writes those around it', { timeout }, async () => {
    const kafka = await aKafka()
    const producer = await kafka.aProducer()
    const ledger = new Ledger()
    const values = ['a', 'b', 'x'.repeat(2 * kafka.batchBytesMax), 'c', 'd']

    const outcomes = await Promise.all(
      values.map((value) => ledger.send(producer, aRecord(kafka.topic, value))),
    )

    expect(outcomes).toEqual([0, 1, 'refused', 2, 3])
    expect(ledger.contradictions(0, await kafka.written(0))).toEqual([])
  })

  it('loses and repeats nothing when leaders move', { timeout }, async () => {
    const trouble = await underLoad(aKafka)

    for (let round = 0; round < 3; round++) {
      await trouble.kafka.moveLeaders()
      await trouble.goesOn()
    }

    await trouble.expectAllWritten()
  })

  it('loses and repeats nothing when a broker dies and comes back', { timeout }, async () => {
    const trouble = await underLoad(aKafka)
    const { kafka } = trouble
    const leader = await kafka.leaderOf(0)

    await kafka.kill(leader)
    await trouble.goesOn()
    await kafka.start(leader)
    await trouble.goesOn()

    await trouble.expectAllWritten()
  })

  it('holds up only the partitions of a broker that hangs', { timeout }, async () => {
    // With replicas a leader that is well waits for the one that hangs, whatever we do.
    const trouble = await underLoad(() => aKafka({ replicas: 1 }))
    const { kafka, goesOn } = trouble
    const leaders = await Promise.all(PARTITIONS.map((partition) => kafka.leaderOf(partition)))
    const others = PARTITIONS.filter((partition) => leaders[partition] !== leaders[0])
    expect(others.length).toBeGreaterThan(0)

    await kafka.freeze(leaders[0] ?? 0)
    await goesOn(others, AT_ONCE_MS)
    await goesOn(others, AT_ONCE_MS)
    await kafka.thaw(leaders[0] ?? 0)
    await goesOn()

    await trouble.expectAllWritten()
  })

  it('never sends again what it has given up', { timeout }, async () => {
    const kafka = await aKafka({ replicas: 1 })
    const producer = await kafka.aProducer({ timeoutMs: 1_000 })
    const ledger = new Ledger()
    await ledger.send(producer, aRecord(kafka.topic, 'first'))
    const leader = await kafka.leaderOf(0)
    await kafka.freeze(leader)

    expect(await ledger.send(producer, aRecord(kafka.topic, 'old'))).toBe('perhaps-written')
    // With the broker dies what lies in its sockets.
    await kafka.kill(leader)
    await kafka.start(leader)
    await eventually(async () => {
      expect(await ledger.send(producer, aRecord(kafka.topic, 'new'))).toBeTypeOf('number')
    }, RECOVERY_MS)

    const values = (await kafka.written(0)).map(({ value }) => value)
    expect(values.filter((value) => value !== 'new')).toEqual(['first'])
  })

  it('writes what it has given up at most once when the broker goes on', { timeout }, async () => {
    const kafka = await aKafka({ replicas: 1 })
    const producer = await kafka.aProducer({ timeoutMs: 1_000, whileAway: 'refuse' })
    const ledger = new Ledger()
    await ledger.send(producer, aRecord(kafka.topic, 'first'))
    const leader = await kafka.leaderOf(0)
    await kafka.freeze(leader)

    expect(await ledger.send(producer, aRecord(kafka.topic, 'old'))).toBe('perhaps-written')
    expect(await ledger.send(producer, aRecord(kafka.topic, 'refused'))).toBe('not-written')
    await kafka.thaw(leader)
    const patience = { patienceMs: RECOVERY_MS }
    expect(await ledger.send(producer, aRecord(kafka.topic, 'new'), patience)).toBeTypeOf('number')

    expect(ledger.contradictions(0, await kafka.written(0))).toEqual([])
  })

  it('asks before it sends a record again', { timeout }, async () => {
    const kafka = await aKafka({ replicas: 1 })
    const producer = await kafka.aProducer({ timeoutMs: RECOVERY_MS })
    const ledger = new Ledger()
    await ledger.send(producer, aRecord(kafka.topic, 'first'))
    const leader = await kafka.leaderOf(0)
    await kafka.freeze(leader)
    let permission: Permission = 'yes'
    let asked = 0
    const mayWrite = () => {
      asked++
      return permission
    }

    const sending = ledger.send(producer, aRecord(kafka.topic, 'replaced'), { mayWrite })
    await eventually(() => expect(asked).toBeGreaterThan(0))
    permission = 'never'
    await kafka.kill(leader)
    await kafka.start(leader)

    expect(await sending).toBe('perhaps-written')
    await ledger.send(producer, aRecord(kafka.topic, 'new'))
    expect((await kafka.written(0)).map(({ value }) => value)).toEqual(['first', 'new'])
  })
}

interface Trouble {
  readonly kafka: KafkaEnvironment
  /** Some more records of each partition are acknowledged. */
  goesOn(partitions?: readonly number[], withinMs?: number): Promise<void>
  /** Ends the load: all was acknowledged, and stands in the log as it was told. */
  expectAllWritten(): Promise<void>
}

async function underLoad(aKafka: MakeKafka): Promise<Trouble> {
  const kafka = await aKafka()
  const ledger = new Ledger()
  const producer = await kafka.aProducer({ timeoutMs: RECOVERY_MS })
  const load = startLoad(producer, ledger, { topic: kafka.topic, partitions: PARTITIONS.length })
  async function goesOn(partitions = PARTITIONS, withinMs = RECOVERY_MS): Promise<void> {
    const before = partitions.map((partition) => ledger.acknowledgedIn(partition))
    await eventually(() => {
      const more = partitions.map((one, index) => ledger.acknowledgedIn(one) - (before[index] ?? 0))
      expect(Math.min(...more)).toBeGreaterThanOrEqual(SOME)
    }, withinMs)
  }
  await goesOn()
  return {
    kafka,
    goesOn,
    async expectAllWritten() {
      await load.stop()
      expect(ledger.rejected).toEqual([])
      for (const partition of PARTITIONS) {
        expect(ledger.contradictions(partition, await kafka.written(partition))).toEqual([])
      }
    },
  }
}

function aRecord(topic: string, value: string): LogRecord {
  return { topic, partition: 0, key: 'kyiv', value: Buffer.from(value) }
}
