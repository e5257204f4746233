import { Lane } from '../../services/dispatcher/lane/lane.ts'
import type { Failure, LaneCommand, Moment } from '../../services/dispatcher/lane/lane-command.ts'
import type { LaneOptions } from '../../services/dispatcher/lane/lane-options.ts'
import type { LaneState } from '../../services/dispatcher/lane/lane-state.ts'
import type { LaneHead, LaneRecord } from '../../services/shared/lane-record.ts'
import { NOON } from './builders.ts'

/** Lanes in every state, brought there the way they get there in life. */

export const RETRY: Failure = {
  verdict: { kind: 'retry', tier: '5s', dueAt: NOON + 5_000 },
  errorClass: 'server_error',
  status: 500,
}

export const DEAD: Failure = {
  verdict: { kind: 'dead-letter', reason: 'attempts_exhausted' },
  errorClass: 'server_error',
  status: 500,
}

export const EMPTY_RANGE = { from: 1, upTo: 10, isEnd: true }

export function at(mainPosition = 2, now = NOON): Moment {
  return { now, elapsed: now - NOON, mainPosition }
}

export function event(offset: number): LaneHead {
  return { offset, value: Buffer.from([offset & 255]), acceptedAt: NOON }
}

export function kinds(commands: readonly LaneCommand[]): string[] {
  return commands.map(({ kind }) => kind)
}

export function laneOptions(overrides: Partial<LaneOptions> = {}): LaneOptions {
  let version = 0
  return {
    workspaceId: 'kyiv',
    queueMax: 2_000,
    parkedMax: 10,
    horizon: 0,
    session: 's1',
    checkpointEvery: 200,
    checkpointMs: 5_000,
    nextVersion: () => ++version,
    ...overrides,
  }
}

/** With `count` events from `first` on. */
export function onlineLane(count: number, overrides: Partial<LaneOptions> = {}, first = 0) {
  const lane = Lane.online(laneOptions(overrides), first)
  for (let offset = first; offset < first + count; offset++) {
    lane.offer(event(offset), at(offset + 1))
  }
  return { lane }
}

export function laneRecord(offset: number, overrides: Partial<LaneRecord> = {}): LaneRecord {
  return {
    workspaceId: 'kyiv',
    head: event(offset),
    version: 1,
    attempt: 1,
    dueAt: 0,
    firstFailedAt: null,
    lastError: null,
    replay: null,
    session: 's0',
    ...overrides,
  }
}

/** Rebuilt from a record whose head stands at `offset`. */
export function offlineLane(
  offset: number,
  record: Partial<LaneRecord> = {},
  moment = at(offset + 1),
  overrides: Partial<LaneOptions> = {},
) {
  let version = 1
  return Lane.fromRecord(
    laneOptions({ nextVersion: () => ++version, ...overrides }),
    { record: laneRecord(offset, record), position: { topic: 'retry', offset: 0 } },
    moment,
  )
}

/** Somebody asks for everything from `offset` on again. */
export function rewindTo(offset: number) {
  const replay = { id: 'bf_1', mode: 'all', until: NOON, liveFrom: null, logEnd: null } as const
  const record = laneRecord(offset, { replay, session: '' })
  return { record, position: { topic: 'catch-up', offset: 3 } }
}

const MAKERS: Readonly<Record<LaneState, () => Lane>> = {
  waiting: () => onlineLane(2).lane,
  ready: () => after(MAKERS.waiting(), (lane) => lane.connected()),
  delivering: () => after(MAKERS.ready(), (lane) => lane.begin()),
  saving: () => after(MAKERS.delivering(), (lane) => lane.failed(RETRY, at())),
  parked: () => after(MAKERS.saving(), (lane) => lane.saved(1, 0, at())),
  burying: () => after(MAKERS.delivering(), (lane) => lane.failed(DEAD, at())),
  barrier: () => after(MAKERS.burying(), (lane) => lane.buried(at())),
  reading: () =>
    after(offlineLane(0, {}, at(10)).lane, (lane) => {
      lane.due()
      lane.begin()
      lane.delivered(at(10))
    }),
  resting: () =>
    after(offlineLane(0, {}, at(1), { horizon: 30 }).lane, (lane) => {
      lane.due()
      lane.begin()
      lane.delivered(at(1))
    }),
  closed: () =>
    after(onlineLane(1).lane, (lane) => {
      lane.connected()
      lane.begin()
      lane.delivered(at(1))
    }),
}

export function aLaneIn(state: LaneState): Lane {
  const lane = MAKERS[state]()
  if (lane.state !== state) throw new Error(`meant to be ${state}, is ${lane.state}`)
  return lane
}

function after(lane: Lane, happen: (lane: Lane) => unknown): Lane {
  happen(lane)
  return lane
}
