import { describe, expect, it } from 'vitest'
import type { Lane } from '../../../../services/dispatcher/lane/lane.ts'
import type { LaneCommand } from '../../../../services/dispatcher/lane/lane-command.ts'
import { LANE_STATES, type LaneState } from '../../../../services/dispatcher/lane/lane-state.ts'
import type { LaneRecord } from '../../../../services/shared/lane-record.ts'
import { NOON } from '../../../support/builders.ts'
import {
  aLaneIn,
  at,
  DEAD,
  EMPTY_RANGE,
  event,
  kinds,
  offlineLane,
  onlineLane,
  RETRY,
  rewindTo,
} from '../../../support/lanes.ts'

/** Every step that a lane can be told, and where it leads from each state; absent: it throws. */
const SAME = 'same'
type Outcome = LaneState | typeof SAME
type Table = Partial<Record<LaneState, Outcome>>

/** For steps that say nothing to a lane in the wrong state: the answer came too late. */
const ignored = (table: Table): Table => ({
  ...Object.fromEntries(LANE_STATES.map((state) => [state, SAME])),
  ...table,
})

interface Step {
  readonly take: (lane: Lane) => unknown
  readonly leads: Table
}

const STEPS: Readonly<Record<string, Step>> = {
  connected: { take: (lane) => lane.connected(), leads: { waiting: 'ready' } },
  due: { take: (lane) => lane.due(), leads: { parked: 'ready' } },
  interrupted: { take: (lane) => lane.interrupted(), leads: { delivering: 'ready' } },
  forgotten: { take: (lane) => lane.forgotten(), leads: { ready: 'waiting' } },
  begin: { take: (lane) => lane.begin(), leads: { ready: 'delivering' } },
  delivered: { take: (lane) => lane.delivered(at()), leads: { delivering: 'ready' } },
  skip: { take: (lane) => lane.skip(at()), leads: { ready: 'ready' } },
  failed: { take: (lane) => lane.failed(RETRY, at()), leads: { delivering: 'saving' } },
  'failed for the last time': {
    take: (lane) => lane.failed(DEAD, at()),
    leads: { delivering: 'burying', ready: 'burying' },
  },
  buried: { take: (lane) => lane.buried(at()), leads: { burying: 'barrier' } },
  covered: { take: (lane) => lane.covered(at()), leads: ignored({ barrier: 'ready' }) },
  'give up': {
    take: (lane) => lane.giveUp(at()),
    leads: { waiting: 'barrier', ready: 'barrier', parked: 'resting' },
  },
  filled: {
    take: (lane) => lane.filled([event(9)], EMPTY_RANGE, at(10)),
    leads: ignored({ reading: 'ready' }),
  },
  renew: { take: (lane) => lane.renew(at()), leads: ignored({}) },
  leave: { take: (lane) => lane.leave(at()), leads: ignored({}) },
  'cut off': { take: (lane) => lane.cutOff(at()), leads: ignored({}) },
  'hand over': { take: (lane) => lane.handOver(at()), leads: ignored({}) },
}

const CASES = Object.entries(STEPS).flatMap(([step, { take, leads }]) =>
  LANE_STATES.map((from) => ({ step, take, from, to: leads[from] })),
)

describe('lane', () => {
  it.each(CASES.filter(({ to }) => to))('$from, $step: becomes $to', ({ take, from, to }) => {
    const lane = aLaneIn(from)

    take(lane)

    expect(lane.state).toBe(to === SAME ? from : to)
  })

  it.each(CASES.filter(({ to }) => !to))('$from: refuses $step', ({ take, from }) => {
    const lane = aLaneIn(from)

    expect(() => take(lane)).toThrow(/cannot become|while/)
    expect(lane.state).toBe(from)
  })
})

describe('lane on-line', () => {
  it('gives out its events in the order in which they came, and closes behind the last', () => {
    const { lane } = onlineLane(1_000)
    lane.connected()
    const sent: number[] = []

    while (lane.state === 'ready') {
      sent.push(lane.begin().offset)
      lane.delivered(at(1_000))
    }

    expect(sent).toEqual(Array.from({ length: 1_000 }, (_, offset) => offset))
    expect(lane.state).toBe('closed')
  })

  it('spends no attempt on a request that we ended ourselves', () => {
    const lane = aLaneIn('delivering')

    lane.interrupted()

    expect([lane.begin().offset, lane.attempt]).toEqual([0, 1])
  })

  it('hands over when an event does not fit: the record covers it and all before it', () => {
    const { lane } = onlineLane(2, { queueMax: 2 })

    const saving = lane.offer(event(2), at(3))
    expect(saving).toMatchObject([{ kind: 'save', tier: null, record: { head: { offset: 0 } } }])
    expect(lane.offer(event(3), at(4))).toEqual([])
    const settled = lane.saved(1, 0, at(4))

    expect(settled).toEqual([{ kind: 'settle', offsets: [0, 1, 2, 3] }])
    expect(lane.isOffline).toBe(true)
  })

  it('rests until the record that it has no use for any more was read, and settles it', () => {
    const { lane } = onlineLane(1)
    lane.connected()
    lane.handOver(at(1))
    lane.begin()
    lane.delivered(at(1))
    expect(lane.state).toBe('resting')

    expect(kinds(lane.saved(1, 0, at(1)))).toEqual(['settle'])
    expect(lane.advanced(at(1))).toEqual([])
    const echoed = lane.echoed(1, { topic: 'catch-up', offset: 7 }, at(1))

    expect(kinds(echoed)).toEqual(['settle-record', 'close'])
  })

  it('wakes up when an event comes while it rests', () => {
    const { lane } = onlineLane(1)
    lane.connected()
    lane.handOver(at(1))
    lane.begin()
    lane.delivered(at(1))

    expect(kinds(lane.offer(event(1), at(2)))).toEqual(['connect'])
    expect(lane.state).toBe('waiting')
  })

  it('keeps the barrier of a dead letter although nothing is left (R5)', () => {
    const { lane } = onlineLane(1)
    lane.connected()
    lane.begin()
    lane.failed(DEAD, at(1))

    expect(kinds(lane.buried(at(1)))).toEqual(['settle', 'commit'])
    expect(lane.state).toBe('barrier')
    expect(kinds(lane.covered(at(1)))).toEqual(['close'])
  })
})

describe('lane off-line', () => {
  it('comes out of its record parked, with the head, the attempt and the time of it (R1)', () => {
    const record = { attempt: 3, dueAt: NOON + 900, firstFailedAt: 100 }
    const { lane, commands } = offlineLane(5, record, at(6))

    expect(commands).toEqual([{ kind: 'park', wakeAt: 900 }])
    expect(lane).toMatchObject({ attempt: 3, state: 'parked' })
    expect(lane.told.firstFailedAt).toBe(100)
    expect(lane.head?.offset).toBe(5)
  })

  it('waits no longer than was planned when a clock was set back meanwhile', () => {
    const record = { attempt: 2, dueAt: NOON + 600_000, waitMs: 5_000 }

    expect(offlineLane(5, record, at(6)).commands).toEqual([{ kind: 'park', wakeAt: 5_000 }])
    // One that was written before records told of it.
    expect(offlineLane(5, { ...record, waitMs: undefined }, at(6)).lane.wakeAt).toBe(600_000)
  })

  it.each([600_000, -600_000])(
    'is due when it was planned although the clock jumps by %i ms',
    (byMs) => {
      const { lane } = onlineLane(1)
      lane.connected()
      lane.begin()
      lane.failed(RETRY, at(1))
      const stepped = { ...at(1, NOON + 1_000 + byMs), elapsed: 1_000 }

      expect(lane.saved(1, 0, stepped)).toContainEqual({ kind: 'park', wakeAt: 5_000 })
      const [save] = lane.renew(stepped)
      expect(save).toMatchObject({ record: { dueAt: stepped.now + 4_000, waitMs: 4_000 } })
    },
  )

  it('settles at once what passes by, in memory or not', () => {
    const { lane } = offlineLane(5, {}, at(6))

    expect(lane.offer(event(6), at(7))).toEqual([{ kind: 'settle', offsets: [6] }])
    expect(lane.length).toBe(2)
    expect(lane.offer(event(3), at(8))).toEqual([{ kind: 'settle', offsets: [3] }])
    expect(lane.length).toBe(2)
  })

  it('reads on from the log behind its head, and only forward', () => {
    const { lane } = offlineLane(5, {}, at(20))
    lane.due()
    lane.begin()

    expect(lane.delivered(at(20))).toContainEqual({ kind: 'read', from: 6 })
    const late = { from: 3, upTo: 6, isEnd: false }
    expect(lane.filled([event(4)], late, at(20))).toEqual([])
    lane.filled([event(9)], { from: 6, upTo: 20, isEnd: true }, at(20))

    expect(lane.begin().offset).toBe(9)
  })

  it('stays until the main position is past all that its record covers (R3)', () => {
    const { lane } = offlineLane(5, {}, at(6), { horizon: 30 })
    lane.due()
    lane.begin()
    lane.delivered(at(6))
    expect(lane.state).toBe('resting')

    expect(lane.advanced(at(29))).toEqual([])
    expect(kinds(lane.advanced(at(30)))).toEqual(['settle-record', 'close'])
  })

  it('goes on with what passes by while it rests', () => {
    const { lane } = offlineLane(5, {}, at(6), { horizon: 30 })
    lane.due()
    lane.begin()
    lane.delivered(at(6))

    expect(kinds(lane.offer(event(8), at(9)))).toEqual(['settle', 'take-turn'])
  })

  it('writes down how far it is after so many deliveries', () => {
    const { lane } = offlineLane(5, {}, at(6), { checkpointEvery: 2 })
    for (const offset of [6, 7, 8]) lane.offer(event(offset), at(offset + 1))
    lane.due()
    lane.begin()
    expect(kinds(lane.delivered(at(9)))).toEqual(['take-turn'])
    lane.begin()

    expect(kinds(lane.delivered(at(9)))).toEqual(['save', 'take-turn'])
  })

  it('sends nothing behind a dead letter before its new record is durable and committed (R4)', () => {
    const { lane } = offlineLane(5, {}, at(6))
    lane.offer(event(6), at(7))
    lane.due()
    lane.begin()
    lane.failed(DEAD, at(7))

    const [save] = lane.buried(at(7))
    expect(save).toMatchObject({ kind: 'save', record: { head: { offset: 6 } } })
    const saved = lane.saved(versionOf(save), 0, at(7))
    expect(kinds(saved)).toContain('commit')
    expect(lane.state).toBe('barrier')

    expect(kinds(lane.covered(at(7)))).toEqual(['take-turn'])
  })

  it('waits behind a dead letter for a record that was under way already', () => {
    const { lane } = onlineLane(2)
    lane.connected()
    lane.begin()
    lane.handOver(at(2))
    lane.failed(DEAD, at(2))

    expect(kinds(lane.buried(at(2)))).toEqual(['settle'])
    // That record began with the dead event: another one has to stand behind it.
    const [, save] = lane.saved(1, 0, at(2))
    expect(save).toMatchObject({ kind: 'save', record: { head: { offset: 1 } } })
    expect(kinds(lane.saved(2, 0, at(2)))).toEqual(['commit'])
  })

  it('counts the attempts of a head that nobody can read', () => {
    const { lane } = offlineLane(5, { attempt: 3 }, at(6))
    lane.due()

    const [bury] = lane.bury('undecodable', { errorClass: null, status: null, now: 77 })

    expect(bury).toMatchObject({ burial: { attempts: 2, firstFailedAt: 77 } })
  })

  it('writes its record anew when the old one holds up its topic, and parks on', () => {
    const { lane } = offlineLane(5, { dueAt: NOON + 900 })

    const [save] = lane.renew(at())
    expect(save).toMatchObject({
      kind: 'save',
      tier: null,
      record: { dueAt: NOON + 900, waitMs: 900 },
    })
    expect(lane.renew(at())).toEqual([])
    expect(lane.saved(versionOf(save), 0, at())).toContainEqual({
      kind: 'settle-record',
      position: { topic: 'retry', offset: 0 },
    })

    expect(lane.state).toBe('parked')
  })
})

describe('a record that holds up its topic', () => {
  const OFFLINE: Partial<Record<LaneState, (lane: Lane) => void>> = {
    parked: () => undefined,
    ready: (lane) => lane.due(),
    waiting: (lane) => {
      lane.due()
      lane.forgotten()
    },
    delivering: (lane) => {
      lane.due()
      lane.begin()
    },
    burying: (lane) => {
      lane.due()
      lane.begin()
      lane.failed(DEAD, at(6))
    },
    barrier: (lane) => {
      lane.offer(event(6), at(7))
      lane.due()
      lane.begin()
      lane.failed(DEAD, at(7))
      const [save] = lane.buried(at(7))
      lane.saved(versionOf(save), 1, at(7))
      lane.echoed(versionOf(save), { topic: 'catch-up', offset: 1 }, at(7))
    },
  }

  it.each(Object.entries(OFFLINE))('is replaced by a new one while %s', (state, bring) => {
    const { lane } = offlineLane(5, { attempt: 3 }, at(6))
    bring(lane)
    expect(lane.state).toBe(state)
    const place = lane.recordPosition

    const [save] = lane.renew(at(8))

    const head = { offset: lane.head?.offset }
    expect(save).toMatchObject({ tier: null, record: { head, attempt: lane.attempt } })
    expect(lane.renew(at(8))).toEqual([])
    expect(lane.saved(versionOf(save), 9, at(8))).toContainEqual({
      kind: 'settle-record',
      position: place,
    })
    expect(lane.state).toBe(state)
  })

  it('and cannot be replaced goes with its head, where nobody knows for how long it waits', () => {
    const { lane } = onlineLane(1)
    const [save] = lane.renew(at(1))
    lane.refused(recordOf(save), at(1))
    expect(lane.handOver(at(1))).toEqual([])

    expect(lane.renew(at(1))).toMatchObject([{ kind: 'bury', burial: { reason: 'too_large' } }])
  })
})

describe('a record that Kafka refuses for what it is', () => {
  it('ends the attempts of the head that it was to carry, and the lane goes on', () => {
    const { lane } = onlineLane(2)
    lane.connected()
    lane.begin()
    const [save] = lane.failed(RETRY, at())

    const [bury] = lane.refused(recordOf(save), at())

    expect(bury).toMatchObject({
      kind: 'bury',
      burial: { event: { offset: 0 }, reason: 'too_large', attempts: 1 },
    })
    expect(kinds(lane.buried(at()))).toEqual(['settle', 'commit'])
    expect(kinds(lane.covered(at()))).toEqual(['take-turn'])
    expect(lane.head?.offset).toBe(1)
  })

  it('ends the wait of a parked head whose record holds up its topic', () => {
    const { lane } = offlineLane(5, { attempt: 3, firstFailedAt: 70 })
    const [save] = lane.renew(at())

    const [bury] = lane.refused(recordOf(save), at())

    expect(bury).toMatchObject({ burial: { reason: 'too_large', attempts: 2, firstFailedAt: 70 } })
  })

  it('behind a dead letter gives up the next head, too', () => {
    const { lane } = offlineLane(5, {}, at(6))
    lane.offer(event(6), at(7))
    lane.offer(event(7), at(8))
    lane.due()
    lane.begin()
    lane.failed(DEAD, at(8))
    const [save] = lane.buried(at(8))

    expect(lane.refused(recordOf(save), at(8))).toMatchObject([
      { kind: 'bury', burial: { event: { offset: 6 }, attempts: 0 } },
    ])
    expect(lane.buried(at(8))).toMatchObject([{ kind: 'save', record: { head: { offset: 7 } } }])
  })

  it('of the dead head itself is not waited for', () => {
    const { lane } = onlineLane(2)
    lane.connected()
    lane.begin()
    const [save] = lane.handOver(at(2))
    lane.failed(DEAD, at(2))
    expect(lane.refused(recordOf(save), at(2))).toEqual([])
    expect(kinds(lane.buried(at(2)))).toEqual(['settle', 'commit'])

    const { lane: other } = onlineLane(2)
    other.connected()
    other.begin()
    const [late] = other.handOver(at(2))
    other.failed(DEAD, at(2))
    other.buried(at(2))
    expect(kinds(other.refused(recordOf(late), at(2)))).toEqual(['commit'])
  })

  it('leaves a head alone that can be sent all the same, and is not tried again', () => {
    const { lane } = onlineLane(1)
    const [save] = lane.handOver(at(1))

    expect(lane.refused(recordOf(save), at(1))).toEqual([])
    expect(lane.handOver(at(1))).toEqual([])
    lane.connected()
    lane.begin()
    expect(kinds(lane.delivered(at(1)))).toEqual(['settle', 'close'])
  })

  it('lets an empty lane go that only waited for it', () => {
    const { lane } = onlineLane(1)
    const [save] = lane.handOver(at(1))
    lane.connected()
    lane.begin()
    lane.delivered(at(1))
    expect(lane.state).toBe('resting')

    expect(kinds(lane.refused(recordOf(save), at(1)))).toEqual(['close'])
  })

  it('loses nothing of what did not fit into memory: the next head gets a record', () => {
    const { lane } = onlineLane(2, { queueMax: 2 })
    const [save] = lane.offer(event(2), at(3))
    lane.refused(recordOf(save), at(3))
    lane.connected()
    lane.begin()

    const [, next, turn] = lane.delivered(at(3))

    expect(next).toMatchObject({ kind: 'save', record: { head: { offset: 1 } } })
    expect(turn).toEqual({ kind: 'take-turn' })
  })

  it('that was of an earlier head is made up for at once where events are in the log only', () => {
    const { lane } = onlineLane(2, { queueMax: 2 })
    const [save] = lane.offer(event(2), at(3))
    lane.connected()
    lane.begin()
    lane.delivered(at(3))

    expect(lane.refused(recordOf(save), at(3))).toMatchObject([
      { kind: 'save', record: { head: { offset: 1 } } },
    ])
  })

  it('loses nothing of what is in the log only when nothing is in memory any more', () => {
    const { lane } = onlineLane(1, { queueMax: 1 })
    const [save] = lane.offer(event(1), at(2))
    lane.refused(recordOf(save), at(2))
    lane.connected()
    lane.begin()
    const done = lane.delivered(at(2))
    expect(done).toContainEqual({ kind: 'read', from: 1 })

    // The block reaches further than the main topic was read.
    const range = { from: 1, upTo: 4, isEnd: true }
    const filled = lane.filled([event(1), event(3)], range, at(2))

    expect(kinds(filled)).toEqual(['take-turn'])
    lane.begin()
    expect(lane.delivered(at(2))).toEqual([{ kind: 'settle', offsets: [1] }, { kind: 'close' }])
  })
})

describe('back-fill of a lane', () => {
  it('moves the cursor back, and is over where events were never settled', () => {
    const { lane } = onlineLane(1, {}, 8)
    lane.connected()

    const [save] = lane.rewind(rewindTo(2), at(9))
    expect(save).toMatchObject({ record: { head: { offset: 2 }, replay: { liveFrom: 8 } } })
    expect(kinds(lane.saved(versionOf(save), 0, at(9)))).toEqual([
      'settle',
      'settle-record',
      'park',
    ])
    lane.due()
    expect(lane.replay).toMatchObject({ id: 'bf_1' })
    lane.begin()
    lane.delivered(at(9))
    const filled = lane.filled([event(8)], { from: 3, upTo: 9, isEnd: true }, at(9))

    expect(kinds(filled)).toEqual(['replayed', 'take-turn'])
    expect(lane.replay).toBeNull()
  })

  it('is over at once when all of its range is still to come', () => {
    const { lane } = onlineLane(1)

    expect(kinds(lane.rewind(rewindTo(0), at(1)))).toEqual([
      'settle-record',
      'replayed',
      'take-turn',
    ])
  })

  it('waits for the request that is open, and for the back-fill before it', () => {
    const { lane } = onlineLane(1, {}, 8)
    lane.connected()
    lane.begin()
    expect(lane.rewind(rewindTo(2), at(9))).toEqual([])
    const [, save] = lane.delivered(at(9))
    expect(lane.rewind(rewindTo(1), at(9))).toEqual([])
    lane.saved(versionOf(save), 0, at(9))
    lane.due()
    lane.begin()
    lane.delivered(at(9))

    const next = lane.filled([], { from: 3, upTo: 9, isEnd: true }, at(9))

    expect(kinds(next)).toEqual(['replayed', 'save'])
    expect(next[1]).toMatchObject({ record: { head: { offset: 1 } } })
  })

  it('begins right after a failed head was saved', () => {
    const { lane } = onlineLane(1, {}, 8)
    lane.connected()
    lane.begin()
    const [save] = lane.failed(RETRY, at(9))
    lane.rewind(rewindTo(2), at(9))

    expect(kinds(lane.saved(versionOf(save), 0, at(9)))).toEqual(['settle', 'save'])
  })
})

describe('a lane whose attempts are traced', () => {
  it('carries the failed one in its record, also to the next owner, until the head is done', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const { lane } = onlineLane(1)
    lane.connected()
    lane.begin()

    const [save] = lane.failed({ ...RETRY, traceparent }, at(1))

    expect(save).toMatchObject({ record: { lastTraceparent: traceparent } })
    const { lane: next } = offlineLane(0, { lastTraceparent: traceparent })
    expect(next.told.lastTraceparent).toBe(traceparent)
    next.due()
    next.begin()
    next.delivered(at(1))
    expect(next.told.lastTraceparent).toBeUndefined()
  })
})

function versionOf(command: LaneCommand | undefined): number {
  return recordOf(command).version
}

function recordOf(command: LaneCommand | undefined): LaneRecord {
  if (command?.kind !== 'save') throw new Error(`no record is saved but ${command?.kind}`)
  return command.record
}
