import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PrometheusPrograms } from '../../deploy/local/prometheus.ts'

/**
 * Six good hours before the scene. The burn rates of the promise look back one and six hours: in a
 * Prometheus that was started a minute ago those hold the outage and nothing else, and half a
 * minute of it would page, as it would never do in production.
 */
export interface QuietPast {
  /** Milliseconds since 1970 at which it ends. */
  readonly until: number
  /** Events per second, each with its first attempt in time. */
  readonly rate: number
}

const HOURS = 6
const SAMPLE_EVERY_S = 60
const METRIC = 'callwebhook_first_attempt_delay_seconds'

/** Puts it where a Prometheus that is started afterwards finds it. */
export async function writeQuietPast(
  { promtool }: PrometheusPrograms,
  dataDir: string,
  past: QuietPast,
): Promise<void> {
  mkdirSync(dataDir, { recursive: true })
  const file = join(dataDir, 'quiet-past.txt')
  writeFileSync(file, quietPast(past))
  await promisify(execFile)(promtool, [
    'tsdb',
    'create-blocks-from',
    'openmetrics',
    '--quiet',
    file,
    dataDir,
  ])
}

/** As OpenMetrics. */
export function quietPast({ until, rate }: QuietPast): string {
  const endS = Math.floor(until / 1_000)
  const startS = endS - HOURS * 3_600
  const samples = Array.from({ length: (HOURS * 3_600) / SAMPLE_EVERY_S + 1 }, (_, index) => {
    const s = index * SAMPLE_EVERY_S
    return `${Math.round(s * rate)} ${startS + s}`
  })
  const labels = 'job="dispatcher",instance="before"'
  return [
    `# TYPE ${METRIC} histogram`,
    ...samples.map((sample) => `${METRIC}_bucket{${labels},le="1"} ${sample}`),
    ...samples.map((sample) => `${METRIC}_bucket{${labels},le="+Inf"} ${sample}`),
    ...samples.map((sample) => `${METRIC}_count{${labels}} ${sample}`),
    '# EOF',
    '',
  ].join('\n')
}
