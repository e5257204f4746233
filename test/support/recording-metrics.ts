import { Registry } from 'prom-client'
import type { DispatcherMetrics } from '../../services/dispatcher/metrics.ts'

/** Remembers what it is told, for tests. */
export function recordingMetrics() {
  const latencies: { readonly seconds: number; readonly isFirstAttempt: boolean }[] = []
  const outcomes: string[] = []
  const waits: number[] = []
  const tiers: string[] = []
  const buried: string[] = []
  const lost: string[] = []
  const metrics: DispatcherMetrics = {
    firstAttemptBegun: (seconds) => void waits.push(seconds),
    attemptFinished: (outcome) => void outcomes.push(outcome),
    delivered: (seconds, isFirstAttempt) => void latencies.push({ seconds, isFirstAttempt }),
    retryPlanned: (tier) => void tiers.push(tier),
    buried: (reason) => void buried.push(reason),
    catchUpRead: () => undefined,
    recordsLost: (reason) => void lost.push(reason),
    registry: new Registry(),
  }
  return { ...metrics, latencies, waits, outcomes, tiers, reasons: buried, lost }
}
