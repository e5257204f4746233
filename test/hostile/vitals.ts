import { existsSync, readFileSync } from 'node:fs'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { metricSum } from '../support/metric-sum.ts'

/** Memory and event loop of a service while it is attacked. */
export interface Vitals {
  readonly rssBeforeMb: number
  readonly rssMostMb: number
  /** Of the whole time, milliseconds; null when the process did not answer at its end. */
  readonly loopLagP99Ms: number | null
  readonly loopLagMostMs: number | null
}

export interface VitalsWatch {
  stop(): Promise<Vitals>
}

const LOOK_EVERY_MS = 100
const PAGE_BYTES = 4_096
const MB = 1_048_576

/** Asks the system for the memory, so that a loop that stands is no reason to see less of it. */
export async function watchVitals(
  { pid }: Pick<ServiceProcess, 'pid'>,
  telemetryPort: number,
): Promise<VitalsWatch> {
  // Each scrape begins the measurement of the loop anew.
  await metricSum(telemetryPort, 'nodejs_eventloop_lag_p99_seconds')
  const rssBeforeMb = rssMb(pid)
  let rssMostMb = rssBeforeMb
  const timer = setInterval(() => {
    rssMostMb = Math.max(rssMostMb, rssMb(pid))
  }, LOOK_EVERY_MS)
  return {
    async stop() {
      clearInterval(timer)
      return { rssBeforeMb, rssMostMb, ...(await loopLag(telemetryPort)) }
    },
  }
}

async function loopLag(port: number): Promise<Pick<Vitals, 'loopLagP99Ms' | 'loopLagMostMs'>> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(5_000),
    })
    const text = await response.text()
    const ms = (name: string) =>
      Math.round(Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]) * 10_000) / 10
    return {
      loopLagP99Ms: ms('nodejs_eventloop_lag_p99_seconds'),
      loopLagMostMs: ms('nodejs_eventloop_lag_max_seconds'),
    }
  } catch {
    return { loopLagP99Ms: null, loopLagMostMs: null }
  }
}

/** 0 where the system does not tell (no Linux), or the process is gone. */
function rssMb(pid: number): number {
  const file = `/proc/${pid}/statm`
  if (!existsSync(file)) return 0
  return Math.round((Number(readFileSync(file, 'utf8').split(' ')[1]) * PAGE_BYTES) / MB)
}
