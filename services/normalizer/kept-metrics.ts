import { Counter, Gauge, type Registry } from 'prom-client'
import { type EventProvider, PROVIDER_NAMES } from '../shared/call-event.ts'
import type { Clock } from '../shared/clock.ts'
import type { KeptOutcome } from './kept-requests.ts'

export interface KeptMetrics {
  broughtIn(provider: string, outcome: KeptOutcome): void
  caughtUp(): void
}

const UNKNOWN = 'unknown'
const PROVIDERS: readonly (EventProvider | typeof UNKNOWN)[] = [...PROVIDER_NAMES, UNKNOWN]

export function createKeptMetrics(registry: Registry, clock: Clock): KeptMetrics {
  const registers = [registry]
  let caughtUpAt = clock.elapsed()
  new Gauge({
    name: 'callwebhook_kept_requests_behind_seconds',
    help: 'Since when requests that were kept while Postgres was away may wait; near 0: none does.',
    registers,
    collect() {
      this.set((clock.elapsed() - caughtUpAt) / 1_000)
    },
  })
  const broughtIn = new Counter({
    name: 'callwebhook_kept_requests_total',
    help: 'Requests that were kept while Postgres was away, by what became of them.',
    labelNames: ['provider', 'result'],
    registers,
  })
  // From 0 on: the first one that fails has to show in `increase()`.
  for (const provider of PROVIDERS) broughtIn.inc({ provider, result: 'failed' }, 0)
  return {
    broughtIn(told, result) {
      const provider = PROVIDERS.find((name) => name === told) ?? UNKNOWN
      broughtIn.inc({ provider, result })
    },
    caughtUp() {
      caughtUpAt = clock.elapsed()
    },
  }
}
