import { Counter, Gauge, type Registry } from 'prom-client'
import type { EventProvider } from '../../shared/call-event.ts'
import type { SpoolSize } from '../../shared/postgres/spool.ts'
import type { DrainResult } from './drain.ts'
import type { SpoolRefusedReason } from './spool.ts'

export interface SpoolMetrics {
  size(size: SpoolSize, stuckEntries: number): void
  spooled(provider: EventProvider): void
  drained(result: DrainResult): void
  refused(reason: SpoolRefusedReason): void
}

export interface SpoolCapacity {
  readonly requestsMax: number
  readonly bytesMax: number
}

export function createSpoolMetrics(registry: Registry, capacity: SpoolCapacity): SpoolMetrics {
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const requests = gauge(
    'callwebhook_spooled_requests',
    'Entries of the spool, of all replicas: what waits in Postgres until Kafka takes it.',
  )
  const bytes = gauge('callwebhook_spool_bytes', 'Bytes of these entries.')
  const oldest = gauge('callwebhook_spool_oldest_seconds', 'Age of the oldest of them.')
  const usage = gauge(
    'callwebhook_spool_used_ratio',
    'How full the spool is, 0 to 1: by requests or by bytes, whichever is more.',
  )
  const stuck = gauge(
    'callwebhook_spool_stuck_entries',
    'Entries that this replica cannot bring into Kafka, which takes others: they stay until somebody acts.',
  )
  const spooled = new Counter({
    name: 'callwebhook_spooled_total',
    help: 'Entries put into the spool.',
    labelNames: ['provider'],
    registers,
  })
  const drained = new Counter({
    name: 'callwebhook_spool_drained_total',
    help: 'Entries of the spool by what became of them.',
    labelNames: ['result'],
    registers,
  })
  const refused = new Counter({
    name: 'callwebhook_spool_refused_total',
    help: 'Calls that neither Kafka nor the spool took, by why the spool did not; answered with 503.',
    labelNames: ['reason'],
    registers,
  })
  return {
    size(now, stuckEntries) {
      stuck.set(stuckEntries)
      requests.set(now.entries)
      bytes.set(now.bytes)
      oldest.set(now.oldestSeconds)
      usage.set(Math.max(now.entries / capacity.requestsMax, now.bytes / capacity.bytesMax))
    },
    spooled: (provider) => spooled.inc({ provider }),
    drained: (result) => drained.inc({ result }),
    refused: (reason) => refused.inc({ reason }),
  }
}
