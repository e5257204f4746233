import { describe, expect, it } from 'vitest'
import {
  Lane,
  type LaneState,
  type QueuedEvent,
} from '../../../../services/dispatcher/lane/lane.ts'
import { NOON } from '../../../support/builders.ts'

function queued(offset: number): QueuedEvent {
  return { offset, value: Buffer.from([0]), acceptedAt: NOON }
}

/** A lane with `events` events, brought into `state` the way it gets there in life. */
function aLane(state: LaneState, events = 2): Lane {
  const lane = new Lane('ws_1')
  for (let offset = 0; offset < events; offset++) lane.offer(queued(offset))
  if (state === 'waiting') return lane
  if (state === 'idle') {
    lane.abandon()
    return lane
  }
  lane.connected()
  if (state === 'ready') return lane
  lane.begin()
  if (state === 'delivering') return lane
  lane.failed()
  return lane
}

type Step = Exclude<
  { [K in keyof Lane]: Lane[K] extends (event: QueuedEvent) => unknown ? K : never }[keyof Lane],
  never
>

const STATES: readonly LaneState[] = ['waiting', 'ready', 'delivering', 'parked', 'idle']

/** From where each step may be taken, and where it leads while two events are queued. */
const ALLOWED: Readonly<Record<Step, Partial<Record<LaneState, LaneState>>>> = {
  offer: {
    waiting: 'waiting',
    ready: 'ready',
    delivering: 'delivering',
    parked: 'parked',
  },
  connected: { waiting: 'ready' },
  forgotten: { ready: 'waiting' },
  begin: { ready: 'delivering' },
  delivered: { delivering: 'ready' },
  failed: { delivering: 'parked' },
  due: { parked: 'ready' },
  interrupted: { delivering: 'ready' },
  skip: { ready: 'ready' },
  abandon: { waiting: 'idle', ready: 'idle', parked: 'idle', idle: 'idle' },
}

const CASES = (Object.keys(ALLOWED) as Step[]).flatMap((step) =>
  STATES.map((from) => ({ step, from, to: ALLOWED[step][from] })),
)

describe('lane', () => {
  it.each(CASES.filter(({ to }) => to))('$from, $step: becomes $to', ({ step, from, to }) => {
    const lane = aLane(from)

    lane[step](queued(2))

    expect(lane.state).toBe(to)
  })

  it.each(CASES.filter(({ to }) => !to))('$from: refuses $step', ({ step, from }) => {
    const lane = aLane(from)

    expect(() => lane[step](queued(2))).toThrow(/(cannot become|while|is gone)/)
    expect(lane.state).toBe(from)
  })

  it('gives out its events in the order in which they came', () => {
    const lane = aLane('ready', 1_000)
    const sent: number[] = []

    while (lane.state === 'ready') {
      sent.push(lane.begin().offset)
      lane.delivered()
    }

    expect(sent).toEqual(Array.from({ length: 1_000 }, (_, offset) => offset))
    expect(lane.state).toBe('idle')
  })

  it('tries the same event again after it failed, and counts', () => {
    const lane = aLane('parked')

    lane.due()

    expect(lane.begin().offset).toBe(0)
    expect(lane.attempt).toBe(2)
  })

  it('begins to count anew with the next event', () => {
    const lane = aLane('parked')
    lane.due()
    lane.begin()

    lane.delivered()

    expect(lane.head.offset).toBe(1)
    expect(lane.attempt).toBe(1)
  })

  it('spends no attempt on a request that we ended ourselves', () => {
    const lane = aLane('delivering')

    lane.interrupted()

    expect(lane.begin().offset).toBe(0)
    expect(lane.attempt).toBe(1)
  })

  it('is idle after its last event, delivered or skipped', () => {
    const [delivered, skipped] = [aLane('delivering', 1), aLane('ready', 1)]

    delivered.delivered()
    skipped.skip()

    expect([delivered.state, skipped.state]).toEqual(['idle', 'idle'])
    expect(() => delivered.head).toThrow('a lane without events has no head')
  })

  it('hands back everything that it gives up', () => {
    const lane = aLane('ready', 3)
    lane.begin()
    lane.delivered()

    expect(lane.abandon().map(({ offset }) => offset)).toEqual([1, 2])
    expect(lane.length).toBe(0)
  })
})
