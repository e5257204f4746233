import { describe, expect, it } from 'vitest'
import {
  createPartitionRests,
  restMsAfter,
} from '../../../services/normalizer/spool/partition-rests.ts'
import {
  advanced,
  begunAnew,
  FRESH,
  leftBehind,
  lookThrough,
  type Passed,
  stuckEntries,
  type Walk,
} from '../../../services/normalizer/spool/walk.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { quiet } from '../../support/normalizer-fakes.ts'

const PAGE = 3

/** Entry i belongs to the workspace whose name is its partition. */
const entryOf = (id: number, partition: number) => ({
  id: String(id),
  workspaceId: String(partition),
  eventId: null,
  attemptedAt: null,
  entrySealed: '',
})

class Spool {
  entries: readonly ReturnType<typeof entryOf>[]
  readonly closed = new Set<number>()
  readonly stuck = new Set<string>()
  readonly sent: string[] = []
  reads = 0
  walk: Walk = FRESH

  constructor(partitions: readonly number[]) {
    this.entries = partitions.map((partition, index) => entryOf(index + 1, partition))
  }

  readonly isOpen = (partition: number) => !this.closed.has(partition)

  /** One round, as the drain does it. */
  round(): number {
    this.walk = begunAnew(this.walk, this.isOpen)
    const { walk } = this
    const page = this.entries.filter(({ id }) => BigInt(id) > BigInt(walk.after)).slice(0, PAGE)
    const closed = (one: number) => walk.closed.has(one) || this.closed.has(one)
    const is = { stuck: (id: string) => this.stuck.has(id), closed }
    const looked = lookThrough(page, is, Number)
    this.reads += page.length
    this.sent.push(...looked.open.map(({ id }) => id))
    this.entries = this.entries.filter((entry) => !looked.open.includes(entry))
    const passed: Passed = { ...looked, last: page.at(-1)?.id ?? null }
    this.walk = advanced(walk, passed, this.isOpen)
    return page.length
  }

  /** Until it finds nothing that can go. */
  drain(): void {
    while (this.round() > 0);
  }
}

describe('a walk through the spool', () => {
  it('passes by more entries of a closed partition than a round takes, to those behind', () => {
    const spool = new Spool([0, 0, 0, 0, 0, 0, 0, 1, 1])
    spool.closed.add(0)

    spool.drain()

    expect(spool.sent).toEqual(['8', '9'])
    expect(leftBehind(spool.walk)).toBe(7)
  })

  it('passes by more stuck entries than a round takes, and sends later ones of their workspace', () => {
    const spool = new Spool([0, 0, 0, 0, 0, 0, 1])
    for (const id of ['1', '2', '3', '4', '5']) spool.stuck.add(id)

    spool.drain()

    expect(spool.sent).toEqual(['6', '7'])
    expect(stuckEntries(spool.walk)).toBe(5)
  })

  it('begins anew once a closed partition opens, and sends its entries in their order', () => {
    const spool = new Spool([0, 1, 0, 1, 0])
    spool.closed.add(0)
    spool.drain()
    spool.closed.clear()

    spool.drain()

    expect(spool.sent).toEqual(['2', '4', '1', '3', '5'])
    expect(leftBehind(spool.walk)).toBe(0)
  })

  it('sends nothing of a partition that opened meanwhile before what it has passed by', () => {
    const spool = new Spool([0, 1, 1, 0, 1, 1])
    spool.closed.add(0)
    spool.round()
    spool.closed.clear()

    spool.drain()

    expect(spool.sent.filter((id) => id === '1' || id === '4')).toEqual(['1', '4'])
  })

  it('goes straight back to where it was when a partition turns out to be closed still', () => {
    const spool = new Spool(Array.from({ length: 3_000 }, () => 0))
    spool.stuck.add('1')
    spool.closed.add(0)
    spool.drain()
    const { after } = spool.walk
    spool.reads = 0

    spool.closed.clear()
    const anew = begunAnew(spool.walk, spool.isOpen)
    expect(stuckEntries(anew)).toBe(1)
    const tried = { last: '3', closed: new Set([0]), waiting: 2, stuck: 1 }
    spool.walk = advanced(anew, tried, spool.isOpen)
    spool.closed.add(0)
    spool.drain()

    expect(spool.walk.after).toBe(after)
    expect(leftBehind(spool.walk)).toBe(3_000)
    expect(spool.reads).toBe(0)
  })

  it('loses none and keeps the order, however partitions open and close', () => {
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    for (let run = 0; run < 300; run += 1) {
      const partitions = Array.from({ length: 40 }, () => random(4))
      const spool = new Spool(partitions)
      for (let step = 0; step < 40; step += 1) {
        const partition = random(4)
        if (!spool.closed.delete(partition)) spool.closed.add(partition)
        spool.round()
      }
      spool.closed.clear()
      spool.drain()

      const idsOf = (partition: number) =>
        partitions.flatMap((one, index) => (one === partition ? [String(index + 1)] : []))
      for (const partition of [0, 1, 2, 3]) {
        const sent = spool.sent.filter((id) => partitions[Number(id) - 1] === partition)
        expect(sent).toEqual(idsOf(partition))
      }
    }
  })
})

describe('a partition that cannot be judged', () => {
  const setUp = () => {
    const clock = new ManualClock()
    const away = new Set<number>()
    const told: string[] = []
    const tell = (_facts: object, event: string) => told.push(event)
    const logger = Object.assign(Object.create(quiet), { warn: tell, info: tell })
    const producer = { isAwayAt: (partition: number) => away.has(partition) }
    return { clock, away, told, rests: createPartitionRests({ producer, clock, logger }) }
  }

  it('is asked again soon at first, then every 10 s', () => {
    expect([1, 2, 3, 6, 7, 8, 5_000].map(restMsAfter)).toEqual([
      250, 500, 1_000, 8_000, 10_000, 10_000, 10_000,
    ])
  })

  it('rests alone, and is told once until it drains again', async () => {
    const { clock, rests, told } = setUp()
    rests.failed(1, new Error('not settled'))
    expect([rests.isOpen(0), rests.isOpen(1)]).toEqual([true, false])
    await clock.pass(250)
    expect(rests.isOpen(1)).toBe(true)

    rests.failed(1, new Error('not settled'))
    expect(told).toEqual(['spool.partition_left_out'])
    rests.drained(1)
    rests.drained(0)
    rests.failed(1, new Error('not settled'))

    expect(told).toEqual([
      'spool.partition_left_out',
      'spool.partition_drains',
      'spool.partition_left_out',
    ])
  })

  it('is open as soon as the producer reaches it again, and not before', () => {
    const { away, rests } = setUp()
    away.add(2)
    expect(rests.isOpen(2)).toBe(false)

    away.clear()

    expect(rests.isOpen(2)).toBe(true)
  })

  it('is forgotten when nothing waits for it', () => {
    const { rests, told } = setUp()
    rests.failed(1, new Error('not settled'))

    rests.keepOnly(new Set([0]))

    expect(rests.isOpen(1)).toBe(true)
    rests.drained(1)
    expect(told).toEqual(['spool.partition_left_out'])
  })
})
