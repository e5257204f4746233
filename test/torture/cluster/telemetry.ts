import { metricSum } from '../../support/metric-sum.ts'
import type { Dispatcher, Stage } from './stage.ts'

/** What dispatchers say of themselves over HTTP. */

/** Sum of a metric over its labels; 0 when it is not there. */
export function metricOf({ telemetryPort }: Dispatcher, name: string): Promise<number> {
  return metricSum(telemetryPort, name)
}

export async function sumOf({ dispatchers }: Stage, name: string): Promise<number> {
  const values = await Promise.all(dispatchers.map((dispatcher) => metricOf(dispatcher, name)))
  return values.reduce((sum, value) => sum + value, 0)
}

/** Status of `/readyz`. */
export async function readiness({ telemetryPort }: Dispatcher): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${telemetryPort}/readyz`)
  await response.arrayBuffer()
  return response.status
}
