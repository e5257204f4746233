import { describe, expect, it } from 'vitest'
import { firstEvent } from '../../../services/console/first-event.ts'
import { createScanBudget, SCAN_BYTES_MAX } from '../../../services/console/log-scans.ts'
import { FakeLog } from '../../support/fake-log.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const at = (second: number) => Date.UTC(2026, 4, 26, 10, 0, second)

/** A call a second, of a neighbour but for the last. */
function aLog(calls: number): FakeLog {
  const log = new FakeLog()
  for (let second = 0; second < calls; second += 1) {
    const workspaceId = second === calls - 1 ? 'kyiv' : 'lviv'
    log.append(workspaceId, new Date(at(second)).toISOString())
  }
  return log
}

const aBudget = () => createScanBudget(new ManualClock(), new AbortController().signal)

describe('the first event of a range', () => {
  it('is found behind those of others', async () => {
    const { eventLog } = aLog(9)

    const found = await firstEvent(eventLog, 'kyiv', { since: at(0), until: at(20) }, aBudget())

    expect(found).toMatchObject({ kind: 'found', event: { offset: 8 } })
  })

  it('is none when the range ends before it', async () => {
    const { eventLog } = aLog(9)

    const found = await firstEvent(eventLog, 'kyiv', { since: at(0), until: at(7) }, aBudget())

    expect(found).toEqual({ kind: 'none' })
  })

  it('is not looked for beyond the budget, and whoever repeats comes further', async () => {
    const { eventLog } = aLog(9)
    const budget = { ...aBudget(), isUsedUp: (): boolean => asked++ > 1 }
    let asked = 0

    const range = { since: at(0), until: at(20) }
    const first = await firstEvent(eventLog, 'kyiv', range, budget)

    expect(first).toEqual({ kind: 'unread', reachedAt: at(3) })
  })

  it('spends what its pages have read', async () => {
    const { eventLog } = aLog(5)
    const costly = {
      ...eventLog,
      page: async (...question: Parameters<typeof eventLog.page>) => {
        const cost = { bytesRead: SCAN_BYTES_MAX / 2, recordsRead: 2 }
        return { ...(await eventLog.page(...question)), cost }
      },
    }

    const found = await firstEvent(costly, 'kyiv', { since: at(0), until: at(20) }, aBudget())

    expect(found).toEqual({ kind: 'unread', reachedAt: at(3) })
  })
})
