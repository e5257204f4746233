import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stopDaemon } from '../../deploy/local/daemon.ts'
import { HOST, logFile, type Profile, pidFile } from '../../deploy/local/profiles.ts'
import {
  type PrometheusPrograms,
  scrapeConfig,
  startPrometheus,
  telemetryPorts,
} from '../../deploy/local/prometheus.ts'
import { freePorts, type Product } from '../support/product.ts'
import { type AlertWatch, watchAlerts } from './alert-watch.ts'
import { writeQuietPast } from './quiet-past.ts'

/** Other rules than those of production, and how often they are looked at. */
export interface WatchedRules {
  /** Absolute. */
  readonly files: readonly string[]
  /** Between two scrapes, and between two evaluations. */
  readonly everySeconds: number
}

/** A Prometheus, by default with the rules of production, that looks on, and whoever notes what it would page. */
export interface WatchedPrometheus {
  readonly url: string
  readonly alerts: AlertWatch
  stop(): Promise<void>
}

export interface Watched {
  /** Its data lie in this profile's folder. */
  readonly profile: Profile
  readonly programs: PrometheusPrograms
  readonly product: Pick<Product, 'env'>
  readonly dispatchers: readonly { readonly telemetryPort: number }[]
  /** Calls a second in the hours before. */
  readonly rate: number
  readonly rules?: WatchedRules
  /** Further ports to scrape, by job. */
  readonly targets?: Readonly<Record<string, readonly number[]>>
}

const SCRAPE_EVERY_S = 5

/** `name`: of the scene, which has series of its own. */
export async function startWatchedPrometheus(
  name: string,
  { profile, programs, product, dispatchers, rate, rules, targets: further }: Watched,
): Promise<WatchedPrometheus> {
  const folder = join(profile.folder, 'data', `prometheus-${name}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const dataDir = join(folder, 'series')
  await writeQuietPast(programs, dataDir, { until: Date.now(), rate })
  const targets = {
    ...further,
    ...telemetryPorts(product.env),
    dispatcher: dispatchers.map(({ telemetryPort }) => telemetryPort),
  }
  const configFile = join(folder, 'prometheus.yml')
  const { files: ruleFiles, everySeconds = SCRAPE_EVERY_S } = rules ?? {}
  writeFileSync(
    configFile,
    scrapeConfig({ targets, everySeconds, ...(ruleFiles ? { ruleFiles } : {}) }),
  )
  const [port = 0] = await freePorts(1)
  const files = {
    pidFile: pidFile(profile, 'prometheus'),
    logFile: logFile(profile, 'prometheus'),
  }
  await startPrometheus(programs, { port, configFile, dataDir, ...files })
  const url = `http://${HOST}:${port}`
  const alerts = watchAlerts(url)
  return {
    url,
    alerts,
    async stop() {
      await alerts.stop()
      await stopDaemon(files.pidFile, { signal: 'SIGTERM', withinMs: 10_000 })
    },
  }
}
