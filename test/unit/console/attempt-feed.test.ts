import { describe, expect, it } from 'vitest'
import { AttemptFeed } from '../../../services/console/attempt-feed.ts'
import type {
  AttemptPosition,
  RecordedAttempt,
} from '../../../services/shared/postgres/attempt-queries.ts'
import { minutes, NOON, quiet, seconds } from '../../support/builders.ts'
import { ManualClock, quiescence } from '../../support/manual-clock.ts'
import { aRecordedAttempt } from '../../support/recorded-attempts.ts'

const START = { id: 0, at: NOON }

function setUp() {
  const clock = new ManualClock()
  const written: RecordedAttempt[] = []
  const questions: AttemptPosition[] = []
  let isAway = false
  const source = {
    async after(_workspaceId: string, position: AttemptPosition, limit: number) {
      questions.push(position)
      if (isAway) throw new Error('the database does not answer')
      return written
        .filter(({ id, at }) => id > position.id && at.getTime() >= position.at)
        .slice(0, limit)
    },
  }
  return {
    clock,
    /** Once everybody sleeps who is going to. */
    passes: async (ms: number) => {
      await quiescence()
      await clock.pass(ms)
    },
    questions,
    feed: new AttemptFeed({ source, clock, logger: quiet }),
    write: (...attempts: Partial<RecordedAttempt>[]) =>
      void written.push(...attempts.map(aRecordedAttempt)),
    goAway: (away: boolean) => {
      isAway = away
    },
  }
}

function aWatcher() {
  const seen: number[] = []
  const state = { seen, ticks: 0, isEnded: false }
  const watcher = {
    take: (attempts: readonly RecordedAttempt[]) => void seen.push(...attempts.map(({ id }) => id)),
    tick: () => {
      state.ticks += 1
    },
    end: () => {
      state.isEnded = true
    },
  }
  return { watcher, state }
}

describe('attempt feed', () => {
  it('asks once a second for a workspace, however many watch it', async () => {
    const { feed, passes, questions, write } = setUp()
    const [first, second] = [aWatcher(), aWatcher()]
    feed.watch('ws_1', START, first.watcher)
    feed.watch('ws_1', START, second.watcher)
    await quiescence()

    write({ id: 1 })
    await passes(seconds(3))

    expect(questions).toHaveLength(4)
    expect([first.state.seen, second.state.seen]).toEqual([[1], [1]])
  })

  it('asks nothing any more when nobody watches', async () => {
    const { feed, clock, passes, questions } = setUp()
    const leave = feed.watch('ws_1', START, aWatcher().watcher)
    await quiescence()

    leave()
    await passes(minutes(1))

    expect(questions).toHaveLength(1)
    expect(clock.sleepers).toBe(0)
    expect(feed.watchers('ws_1')).toBe(0)
  })

  it('goes on for who comes in the same second in which the last one left', async () => {
    const { feed, passes, write } = setUp()
    const { watcher, state } = aWatcher()
    feed.watch('ws_1', START, aWatcher().watcher)()
    feed.watch('ws_1', START, watcher)

    write({ id: 1 })
    await passes(seconds(1))

    expect(state.seen).toEqual([1])
  })

  it('brings who comes back up to date and repeats nothing to the others', async () => {
    const { feed, passes, write } = setUp()
    const [steady, returning] = [aWatcher(), aWatcher()]
    write(...Array.from({ length: 450 }, (_, index) => ({ id: index + 1 })))
    feed.watch('ws_1', { id: 450, at: NOON }, steady.watcher)
    feed.watch('ws_1', { id: 10, at: NOON }, returning.watcher)

    write({ id: 451 })
    await passes(seconds(1))

    expect(returning.state.seen).toEqual(Array.from({ length: 441 }, (_, index) => index + 11))
    expect(steady.state.seen).toEqual([451])
  })

  it('shows an attempt of a dispatcher whose clock is behind', async () => {
    const { feed, passes, write } = setUp()
    const { watcher, state } = aWatcher()
    feed.watch('ws_1', START, watcher)

    write({ id: 1, at: new Date(NOON + minutes(60)) })
    await passes(seconds(1))
    write({ id: 2, at: new Date(NOON - seconds(40)) })
    await passes(seconds(1))

    expect(state.seen).toEqual([1, 2])
  })

  it('keeps its watchers while the database is away', async () => {
    const { feed, passes, write, goAway } = setUp()
    const { watcher, state } = aWatcher()
    feed.watch('ws_1', START, watcher)
    goAway(true)
    await passes(seconds(5))
    write({ id: 1 })
    goAway(false)

    await passes(seconds(1))

    expect(state).toMatchObject({ seen: [1], isEnded: false })
  })

  it('ends everybody when it stops, also who comes later', async () => {
    const { feed, clock } = setUp()
    const [before, after] = [aWatcher(), aWatcher()]
    feed.watch('ws_1', START, before.watcher)
    await quiescence()

    feed.stop()
    feed.watch('ws_1', START, after.watcher)
    await quiescence()

    expect([before.state.isEnded, after.state.isEnded]).toEqual([true, true])
    expect(clock.sleepers).toBe(0)
  })
})
