import { describe, expect, it } from 'vitest'
import { countLanes } from '../../../services/dispatcher/figures.ts'
import { LANE_STATES } from '../../../services/dispatcher/lane/lane-state.ts'
import {
  createDispatcherMetrics,
  type DispatcherFigures,
} from '../../../services/dispatcher/metrics.ts'
import { ERROR_CLASSES } from '../../../services/shared/egress/error-class.ts'
import { ATTEMPT_OUTCOMES } from '../../../services/shared/postgres/delivery-attempts.ts'
import { NOON, seconds, TIERS } from '../../support/builders.ts'
import { aLaneIn, at, offlineLane, onlineLane } from '../../support/lanes.ts'

const run = (lane: ReturnType<typeof aLaneIn>, freeSince = 0) => ({ lane, freeSince })

/** A head that has failed twice. */
const failing = (lastError: string) => run(offlineLane(1, { attempt: 3, lastError }).lane)

describe('what is counted of the lanes', () => {
  it('is the tier and the error class of those that wait', () => {
    const runs = [failing('tls'), failing('tls'), failing('timeout'), run(aLaneIn('delivering'))]

    const { lanes, parkedLanes, failingLanes } = countLanes(runs, TIERS, at())

    expect(lanes).toMatchObject({ parked: 3, delivering: 1, ready: 0 })
    expect(parkedLanes).toMatchObject({ '5s': 0, '30s': 3, 'catch-up': 0 })
    expect(failingLanes).toMatchObject({ tls: 2, timeout: 1, dns: 0 })
  })

  it('puts a lane that is parked without a failure under the catch-up topic', () => {
    const { parkedLanes } = countLanes([run(offlineLane(1).lane)], TIERS, at())

    expect(parkedLanes['catch-up']).toBe(1)
  })

  it('makes no label of a word that somebody wrote into a record', () => {
    const { failingLanes } = countLanes([failing('of my own making')], TIERS, at())

    expect(Object.keys(failingLanes)).toEqual([...ERROR_CLASSES])
  })

  it('is late for a healthy endpoint only with what nobody but us keeps waiting', () => {
    const now = NOON + seconds(40)

    expect(countLanes([failing('timeout')], TIERS, at(2, now)).oldestHealthySeconds).toBe(0)
    expect(countLanes([run(onlineLane(1).lane)], TIERS, at(2, now)).oldestHealthySeconds).toBe(40)
    const behindASlowOne = run(onlineLane(1).lane, NOON + seconds(38))
    expect(countLanes([behindASlowOne], TIERS, at(2, now)).oldestHealthySeconds).toBe(2)
  })

  it('is past due a second after its time, woken or not', () => {
    const parked = run(offlineLane(1, { attempt: 2, dueAt: NOON }).lane)
    const woken = run(offlineLane(1, { attempt: 2, dueAt: NOON }).lane)
    woken.lane.due()

    expect(countLanes([parked, woken], TIERS, at(2, NOON + seconds(1))).pastDueLanes).toBe(0)
    expect(countLanes([parked, woken], TIERS, at(2, NOON + seconds(2))).pastDueLanes).toBe(2)
  })
})

describe('the number of series', () => {
  const fixed = { tiers: TIERS, partitions: 12, attemptsMax: 1_000 }
  const process = {
    inFlight: 0,
    partitionsAssigned: 12,
    commitLag: 0,
    oldestWriteSeconds: 0,
    windowUsedRatio: 0,
    sinceCommitSeconds: 0,
    attemptsWaiting: 0,
    misfitTopics: 0,
    connectionCacheAgeSeconds: 0,
    connectionsNotLoadedSeconds: 0,
    unreadablePartitions: 0,
    partitionLag: {},
  }

  async function seriesWith(runs: readonly ReturnType<typeof run>[]): Promise<number> {
    const figures = (): DispatcherFigures => ({ ...countLanes(runs, TIERS, at()), ...process })
    const metrics = createDispatcherMetrics(figures, fixed)
    for (const outcome of ATTEMPT_OUTCOMES) metrics.attemptFinished(outcome, 0.1, null)
    for (const { lane } of runs) {
      metrics.firstAttemptBegun(0.01)
      metrics.attemptFinished('retrying', 0.1, 'timeout')
      metrics.retryPlanned(TIERS[lane.attempt - 1]?.label ?? '')
    }
    const text = await metrics.registry.metrics()
    // Those of Node depend on what the process has open just now.
    return text.split('\n').filter((line) => line.startsWith('callwebhook_')).length
  }

  it('is the same with ten thousand workspaces, in every state and class', async () => {
    const some = [...LANE_STATES.map((state) => run(aLaneIn(state))), failing('tls')]
    const many = Array.from({ length: 10_000 }, (_, index) => {
      const options = { workspaceId: `ws-${index}` }
      const lastError = ERROR_CLASSES[index % ERROR_CLASSES.length] ?? null
      return index % 2 === 0
        ? run(onlineLane(1, options).lane)
        : run(offlineLane(1, { ...options, attempt: 1 + (index % TIERS.length), lastError }).lane)
    })

    const before = await seriesWith(some)

    expect(before).toBeGreaterThan(100)
    expect(await seriesWith([...some, ...many])).toBe(before)
  })
})
