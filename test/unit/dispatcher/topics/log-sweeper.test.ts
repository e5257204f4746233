import { describe, expect, it } from 'vitest'
import { LogSweeper } from '../../../../services/dispatcher/topics/log-sweeper.ts'
import { quiet, seconds } from '../../../support/builders.ts'
import { event } from '../../../support/lanes.ts'
import { ManualClock, quiescence } from '../../../support/manual-clock.ts'

/** A log of ten events, even ones of kyiv, odd ones of lviv, read five at a time. */
function aSweeper() {
  const clock = new ManualClock()
  const reads: number[] = []
  const filled: string[] = []
  const log = { isAway: false }
  const sweeper = new LogSweeper<string>({
    read: async (from) => {
      reads.push(from)
      if (log.isAway) throw new Error('the broker is away')
      const next = Math.min(from + 5, 10)
      const offsets = Array.from({ length: next - from }, (_, index) => from + index)
      const events = offsets.map((offset) => ({
        workspaceId: offset % 2 === 0 ? 'kyiv' : 'lviv',
        head: event(offset),
      }))
      return { events, next, begins: null }
    },
    onFilled: ({ lane }, { events, upTo }) =>
      filled.push(`${lane}: ${events.map(({ offset }) => offset).join(' ')} to ${upTo}`),
    clock,
    logger: quiet,
  })
  const want = (workspaceId: string, from: number) =>
    sweeper.want({ lane: workspaceId, workspaceId, from })
  return { sweeper, clock, reads, filled, log, want }
}

describe('sweep of the log', () => {
  it('reads a block once for all lanes that want something in it', async () => {
    const { reads, filled, want } = aSweeper()

    want('kyiv', 0)
    want('lviv', 2)
    await quiescence()

    expect(reads).toEqual([0])
    expect(filled).toEqual(['kyiv: 0 2 4 to 5', 'lviv: 3 to 5'])
  })

  it('goes upwards like a lift, and starts again at the lowest floor', async () => {
    const { reads, want } = aSweeper()

    want('kyiv', 4)
    want('lviv', 0)
    want('odesa', 9)
    await quiescence()

    expect(reads).toEqual([4, 9, 0])
  })

  it('tells a lane at the end of the log that there is no more', async () => {
    const { filled, want } = aSweeper()

    want('kyiv', 10)
    await quiescence()

    expect(filled).toEqual(['kyiv:  to 10'])
  })

  it('tries again while the broker is away', async () => {
    const { clock, filled, log, want } = aSweeper()
    log.isAway = true
    want('kyiv', 8)
    await clock.pass(seconds(2))
    expect(filled).toEqual([])

    log.isAway = false
    await clock.pass(seconds(1))

    expect(filled).toEqual(['kyiv: 8 to 10'])
  })

  it('hands out nothing after it was stopped', async () => {
    const { sweeper, filled, want } = aSweeper()
    want('kyiv', 0)

    sweeper.stop()
    want('lviv', 0)
    await quiescence()

    expect(filled).toEqual([])
  })
})
