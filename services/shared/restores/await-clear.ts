import { Registry } from 'prom-client'
import type { Clock } from '../clock.ts'
import { startTelemetryServer, type TelemetryOptions } from '../telemetry-server.ts'
import type { Restores } from './restores.ts'

/** The first look takes less, unless somebody is away. */
const QUIETLY_MS = 500

/**
 * For the start of a service that may do nothing before all is clear. Meanwhile it tells why at the port
 * at which it is asked how it is: a process that ended would only be missing.
 */
export async function awaitClear(
  restores: Restores,
  clock: Pick<Clock, 'sleep'>,
  telemetry: Pick<TelemetryOptions, 'telemetryPort' | 'listenAddress'>,
): Promise<void> {
  const giveUp = new AbortController()
  const quietly = clock.sleep(QUIETLY_MS, giveUp.signal).catch(() => undefined)
  await Promise.race([restores.untilClear(), quietly])
  giveUp.abort()
  if (restores.isClear) return
  const registry = new Registry()
  restores.tellIn(registry)
  const starting = { ok: false, reason: 'about to start' } as const
  const isReady = () => (restores.isClear ? starting : restores.health)
  const server = await startTelemetryServer({ ...telemetry, registry, isReady })
  await restores.untilClear()
  await server.stop()
}
