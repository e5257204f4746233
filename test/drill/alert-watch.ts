import { z } from 'zod'
import { systemClock } from '../../services/shared/clock.ts'
import { type AlertPoll, firingIn } from './alert-timetable.ts'

/** Asks Prometheus once a second which alerts there are, as a pager would be told. */

const POLL_EVERY_MS = 1_000
const ANSWER_WITHIN_MS = 5_000

const answer = z.object({
  data: z.object({
    alerts: z.array(
      z.object({
        state: z.string(),
        labels: z.object({ alertname: z.string(), severity: z.string().default('') }),
      }),
    ),
  }),
})

export interface AlertWatch {
  /** In the order of time. */
  readonly polls: readonly AlertPoll[]
  /** As the last poll saw it. */
  isFiring(name: string): boolean
  /** What fires or is about to, as the last poll saw it; null before the first one. */
  readonly raised: readonly string[] | null
  stop(): Promise<void>
}

/** `prometheus`: its address. */
export function watchAlerts(prometheus: string): AlertWatch {
  const polls: AlertPoll[] = []
  const stopping = new AbortController()
  const watching = watch()

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        polls.push(await ask(prometheus))
      } catch {
        // Too busy to answer: the next poll is a second away.
      }
      await systemClock.sleep(POLL_EVERY_MS, stopping.signal).catch(() => undefined)
    }
  }

  return {
    polls,
    isFiring(alert) {
      const last = polls.at(-1)
      return last !== undefined && firingIn(last).some(({ name }) => name === alert)
    },
    get raised() {
      return polls.at(-1)?.alerts.map(({ name, state }) => `${name} is ${state}`) ?? null
    },
    async stop() {
      stopping.abort()
      await watching
    },
  }
}

async function ask(prometheus: string): Promise<AlertPoll> {
  const response = await fetch(`${prometheus}/api/v1/alerts`, {
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
  const { data } = answer.parse(await response.json())
  return {
    at: Date.now(),
    alerts: data.alerts.map(({ state, labels }) => ({
      name: labels.alertname,
      severity: labels.severity,
      state,
    })),
  }
}
