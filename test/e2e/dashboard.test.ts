import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { ROWS } from '../../deploy/grafana/rows.ts'
import { stopDaemon } from '../../deploy/local/daemon.ts'
import {
  findPrometheus,
  scrapeConfig,
  startPrometheus,
  telemetryPorts,
} from '../../deploy/local/prometheus.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { binotelCall } from '../support/binotel-call.ts'
import { asked, pictureOfDashboard } from '../support/dashboard-picture.ts'
import { dashboardQueries } from '../support/dashboard-queries.ts'
import { eventually } from '../support/eventually.ts'
import { freePorts, Product } from '../support/product.ts'
import { answer, Receiver } from '../support/receiver.ts'
import { freshPlace } from '../support/stack.ts'

/**
 * A panel whose query does not parse, or never finds a series, looks like a quiet day. So each query of
 * the dashboard is put to a real Prometheus that scrapes the real services.
 *
 * Set-up: one endpoint that takes its call, and one that fails for long enough to be seen.
 */

/** Enough for a curve to be seen in the picture. */
const CALLS = 100
const CALL_EVERY_MS = 100

const receiver = new Receiver()
let product: Product

beforeAll(async () => {
  await receiver.start()
  product = await Product.prepare({
    ...(await freshPlace()),
    env: { DISPATCHER_RETRY_TIERS: '1s,1h' },
  })
  await product.startAll()
})
afterAll(async () => {
  await product.stop()
  await receiver.stop()
})

/** Answers its address; undefined, and the test skipped, where there is no Prometheus. */
async function serve(skip: (note: string) => void): Promise<string | undefined> {
  const programs = await findPrometheus()
  if ('missing' in programs) {
    console.warn(`Skipped: ${programs.missing}`)
    skip(programs.missing)
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [port = 0] = await freePorts(1)
  const targets = telemetryPorts(product.env)
  const configFile = join(folder, 'prometheus.yml')
  const pidFile = join(folder, 'prometheus.pid')
  writeFileSync(configFile, scrapeConfig({ targets, everySeconds: 1 }))
  const dataDir = join(folder, 'series')
  const logFile = join(folder, 'prometheus.log')
  await startPrometheus(programs, { port, configFile, dataDir, pidFile, logFile })
  onTestFinished(async () => {
    await stopDaemon(pidFile, { signal: 'SIGTERM', withinMs: 10_000 })
  })
  return `http://127.0.0.1:${port}`
}

/** Connected; answers where its provider sends calls. */
async function customer(workspaceId: string): Promise<string> {
  await product.connect(workspaceId, receiver.url(workspaceId))
  return product.addSource(workspaceId, 'binotel')
}

async function call(url: string, number: number): Promise<void> {
  const { body, headers } = binotelCall(String(4_683_310_800 + number))
  expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200)
}

const found = z.object({ data: z.object({ result: z.array(z.unknown()) }) })

/** How many series a query finds now. */
async function seriesOf(prometheus: string, expr: string): Promise<number> {
  const query = asked(expr)
  const response = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`)
  if (response.status !== 200) throw new Error(`${query}: ${await response.text()}`)
  return found.parse(await response.json()).data.result.length
}

it('every query of the dashboard finds a series', async ({ skip }) => {
  const prometheus = await serve(skip)
  if (prometheus === undefined) return
  const queries = dashboardQueries()
  receiver.script('failing', () => answer(503))
  await call(await customer('failing'), 0)
  const good = await customer('good')
  for (let number = 1; number <= CALLS; number++) {
    await call(good, number)
    await systemClock.sleep(CALL_EVERY_MS)
  }

  expect(queries.length).toBeGreaterThan(20)
  await eventually(async () => {
    const counts = await Promise.all(queries.map((expr) => seriesOf(prometheus, expr)))
    expect(queries.filter((_, index) => counts[index] === 0)).toEqual([])
  }, 40_000)
  const panels = ROWS.flatMap((row) => row.panels)
  expect(await pictureOfDashboard(prometheus, 'dashboard')).toBe(panels.length)
})
