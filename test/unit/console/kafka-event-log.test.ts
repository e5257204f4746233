import avsc from 'avsc'
import type { KafkaMessage } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { EventLogAwayError } from '../../../services/console/event-log.ts'
import {
  createKafkaEventLog,
  type KafkaEventLogOptions,
} from '../../../services/console/kafka-event-log.ts'
import {
  createScanBudget,
  SCAN_BYTES_MAX,
  SCAN_MS_MAX,
} from '../../../services/console/log-scans.ts'
import {
  createCallEventEncoder,
  readCallEventSchema,
} from '../../../services/shared/call-event-codec.ts'
import type { LogReader } from '../../../services/shared/kafka/log-reader.ts'
import { aCallEvent, NOON, quiet, seconds } from '../../support/builders.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const schema = readCallEventSchema()
const encoder = createCallEventEncoder(schema, 7)
const type = avsc.Type.forSchema(schema as unknown as avsc.Schema)

type Entry = Pick<KafkaMessage, 'key' | 'value' | 'offset' | 'timestamp'>

/** Two workspaces in turn, one record a second from noon on; `kyiv` has the even offsets. */
function records(count: number): Entry[] {
  return Array.from({ length: count }, (_, offset) => {
    const workspaceId = offset % 2 === 0 ? 'kyiv' : 'lviv'
    return {
      key: Buffer.from(workspaceId),
      value: encoder.encode(aCallEvent(workspaceId, String(offset))),
      offset: String(offset),
      timestamp: String(NOON + seconds(offset)),
    }
  })
}

interface FakeLog {
  readonly entries: readonly Entry[]
  /** Offset of the oldest record that is left. */
  readonly first?: number
  /** Records of a transaction that was aborted: nobody gets those in front of this offset. */
  readonly abortedUpTo?: number
  readonly bytesPerRead?: number
  readonly msPerRead?: number
  readonly partitions?: number
  /** Records in each of the partitions beyond the first. */
  readonly grownTo?: number
}

/** Ten records a fetch. */
function readerOf(log: FakeLog, clock: ManualClock): LogReader {
  const {
    entries,
    first = 0,
    abortedUpTo = 0,
    bytesPerRead = 1_000,
    msPerRead = 0,
    partitions = 1,
    grownTo = 0,
  } = log
  return {
    async read(_partition, offset) {
      await clock.pass(msPerRead)
      const isCutOff = offset < first
      if (isCutOff || offset > entries.length) {
        return { messages: [], next: first, isCutOff, bytes: 0 }
      }
      const read = entries.slice(offset, offset + 10) as KafkaMessage[]
      const messages = read.filter((one) => Number(one.offset) >= abortedUpTo)
      return { messages, next: offset + read.length, isCutOff, bytes: bytesPerRead }
    },
    async firstSince(_partition, at) {
      const found = entries.slice(first).find(({ timestamp }) => Number(timestamp) >= at)
      return found ? { offset: Number(found.offset), at: Number(found.timestamp) } : null
    },
    settled: async () => 0,
    countPartitions: async () => partitions,
    range: async (partition) => ({ low: first, high: partition === 0 ? entries.length : grownTo }),
    stop: async () => undefined,
  }
}

type Overrides = Omit<Partial<KafkaEventLogOptions>, 'clock'> & { readonly clock?: ManualClock }

function eventLog(log: FakeLog, overrides: Overrides = {}) {
  const { clock = new ManualClock(), ...others } = overrides
  const reader = readerOf(log, clock)
  const typeOf = async () => type
  const fixed = { reader, topic: 'calls.events', partitions: 1, typeOf }
  return createKafkaEventLog({ ...fixed, clock, logger: quiet, ...others })
}

function aBudget(clock = new ManualClock()) {
  return createScanBudget(clock, new AbortController().signal)
}

const EVERYTHING = { offset: 0, until: Number.POSITIVE_INFINITY, limit: 500 }

describe('the end of the log', () => {
  it('is behind its last record, with the time of that one', async () => {
    const entries = records(25)

    expect(await eventLog({ entries }).end('kyiv')).toEqual({
      topic: 'calls.events',
      offset: 25,
      lastAt: Number(entries[24]?.timestamp),
    })
  })

  it('has no time without a record', async () => {
    expect(await eventLog({ entries: [] }).end('kyiv')).toMatchObject({ offset: 0, lastAt: null })
  })
})

describe('a page of a workspace’s events', () => {
  it('has those of the workspace alone, in log order', async () => {
    const page = await eventLog({ entries: records(25) }).page('kyiv', EVERYTHING)

    expect(page.events.map(({ event }) => event.providerCallId)).toEqual(
      Array.from({ length: 13 }, (_, index) => String(index * 2)),
    )
    expect(page).toMatchObject({
      nextOffset: null,
      endOffset: 25,
      isTruncated: false,
      cost: { bytesRead: 4_000, recordsRead: 25 },
    })
  })

  it('ends with its limit, and the next one goes on behind it', async () => {
    const log = eventLog({ entries: records(25) })

    const { events, nextOffset } = await log.page('kyiv', { ...EVERYTHING, limit: 4 })
    const rest = await log.page('kyiv', { ...EVERYTHING, offset: nextOffset ?? -1 })

    expect([events.at(-1)?.offset, nextOffset, rest.events[0]?.offset]).toEqual([6, 7, 8])
  })

  it('ends before the first record that is too late', async () => {
    const until = NOON + seconds(6)

    const page = await eventLog({ entries: records(25) }).page('kyiv', { ...EVERYTHING, until })

    expect(page.events.map(({ offset }) => offset)).toEqual([0, 2, 4])
    expect(page).toMatchObject({ nextOffset: null, endOffset: 6, cost: { recordsRead: 6 } })
  })

  it.each([
    ['bytes', { bytesPerRead: 4 * 1024 * 1024 }, 20],
    ['time', { msPerRead: 250 }, 30],
  ])('ends with its budget of %s, though it may be empty', async (_what, cost, endsAt) => {
    const log = eventLog({ entries: records(100), ...cost })

    const { events, nextOffset } = await log.page('odesa', EVERYTHING)

    expect([events.length, nextOffset]).toEqual([0, endsAt])
  })

  it('says that retention has removed what it was to begin with', async () => {
    const page = await eventLog({ entries: records(25), first: 20 }).page('kyiv', EVERYTHING)

    expect(page.events.map(({ offset }) => offset)).toEqual([20, 22, 24])
    expect(page.isTruncated).toBe(true)
  })

  it('goes on behind records that were aborted, and takes them for nothing that was removed', async () => {
    const page = await eventLog({ entries: records(25), abortedUpTo: 20 }).page('kyiv', EVERYTHING)

    expect(page.events.map(({ offset }) => offset)).toEqual([20, 22, 24])
    expect(page.isTruncated).toBe(false)
  })

  it('leaves out what cannot be decoded: it was never delivered either', async () => {
    const entries = records(3)
    entries[0] = { ...(entries[0] as Entry), value: Buffer.from([0, 0, 0, 0, 7, 255]) }
    entries[1] = { ...(entries[1] as Entry), key: Buffer.from('kyiv'), value: Buffer.from('text') }

    const page = await eventLog({ entries }).page('kyiv', EVERYTHING)

    expect(page.events.map(({ offset }) => offset)).toEqual([2])
  })
})

describe('an event by its id', () => {
  const { eventId } = aCallEvent('kyiv', '8')
  const asked = (workspaceId: string) => ({ workspaceId, eventId })
  const around = { since: NOON + seconds(5), until: NOON + seconds(20) }

  it('is found within the range of times, bytes unchanged', async () => {
    const entries = records(25)

    const found = await eventLog({ entries }).find(asked('kyiv'), around, aBudget())

    const logged = { offset: 8, acceptedAt: NOON + seconds(8), event: { eventId } }
    expect(found).toMatchObject({ kind: 'found', logged })
    expect(found.kind === 'found' && found.logged.value).toEqual(entries[8]?.value)
  })

  it.each([
    ['of another workspace', 'lviv', around],
    ['outside of the range', 'kyiv', { since: NOON + seconds(9), until: NOON + seconds(20) }],
    ['after the end of the log', 'kyiv', { since: NOON + seconds(90), until: NOON + seconds(99) }],
  ])('is not there when it is %s', async (_where, workspaceId, range) => {
    const log = eventLog({ entries: records(25) })

    expect(await log.find(asked(workspaceId), range, aBudget())).toEqual({ kind: 'absent' })
  })

  it.each([
    ['bytes', { bytesPerRead: SCAN_BYTES_MAX / 4 }],
    ['time', { msPerRead: SCAN_MS_MAX / 8 }],
  ])(
    'is not looked for beyond a budget of %s, which is not the same as absent',
    async (_what, cost) => {
      const clock = new ManualClock()
      const log = eventLog({ entries: records(200), ...cost }, { clock })
      const late = { workspaceId: 'kyiv', eventId: aCallEvent('kyiv', '198').eventId }
      const everything = { since: 0, until: NOON * 2 }

      expect(await log.find(late, everything, aBudget(clock))).toEqual({ kind: 'unread' })
    },
  )

  it('is not looked for any longer when whoever asked has gone', async () => {
    const client = new AbortController()
    const typeOf = async () => {
      client.abort()
      return type
    }
    const log = eventLog({ entries: records(200) }, { typeOf })
    const late = { workspaceId: 'kyiv', eventId: aCallEvent('kyiv', '198').eventId }
    const budget = createScanBudget(new ManualClock(), client.signal)

    const found = await log.find(late, { since: 0, until: NOON * 2 }, budget)

    expect(found).toEqual({ kind: 'unread' })
  })
})

describe('the log as a whole', () => {
  it('tells where a time begins and how far it reaches back', async () => {
    const log = eventLog({ entries: records(25), first: 3 })

    expect(await log.offsetAt(0, NOON + seconds(7) - 500)).toBe(7)
    expect(await log.offsetAt(0, NOON + seconds(60))).toBeNull()
    expect(await log.oldestAt(0)).toBe(NOON + seconds(3))
    expect(await eventLog({ entries: [] }).oldestAt(0)).toBeNull()
  })

  it.each<[string, Overrides]>([
    ['the registry is', { typeOf: () => Promise.reject(new Error('ECONNREFUSED')) }],
    ['it has another number of partitions', { partitions: 12 }],
  ])('is away when %s', async (_why, overrides) => {
    const log = eventLog({ entries: records(1) }, overrides)

    await expect(log.page('kyiv', EVERYTHING)).rejects.toThrow(EventLogAwayError)
  })

  it('is read as configured when partitions were added, until somebody writes to those', async () => {
    const grown = eventLog({ entries: records(2), partitions: 24 })
    const used = eventLog({ entries: records(2), partitions: 24, grownTo: 5 })

    expect((await grown.page('kyiv', EVERYTHING)).events).not.toHaveLength(0)
    await expect(used.page('kyiv', EVERYTHING)).rejects.toThrow(EventLogAwayError)
  })
})
