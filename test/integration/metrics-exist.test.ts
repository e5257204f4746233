import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceName } from '../../deploy/local/profiles.ts'
import { SERVICE_NAMES } from '../../deploy/local/profiles.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { cases, rules } from '../support/alert-rules.ts'
import { dashboardQueries } from '../support/dashboard-queries.ts'
import { Product } from '../support/product.ts'
import { freshPlace } from '../support/stack.ts'

/**
 * A rule or a panel about a metric that is not there shows nothing, for ever, and looks healthy: what
 * they name is compared with what the running services tell.
 */

const named = new Set(
  [
    ...rules.map(({ expr }) => expr),
    ...cases.flatMap((each) => each.input_series.map(({ series }) => series)),
    ...dashboardQueries(),
  ].flatMap(metricsIn),
)
const recorded = new Set(rules.flatMap(({ record }) => record ?? []))

/** Recorded names have a colon; what is left are ours and those of Node and the process. */
function metricsIn(query: string): string[] {
  return [...query.matchAll(/[a-zA-Z_][\w:]*/g)]
    .map(([name]) => name)
    .filter((name) => name.includes(':') || /^(callwebhook|nodejs|process)_/.test(name))
    .filter((name) => !/^\d*[smhdwy]?:/.test(name))
}

/** Names of what a service tells; a histogram is asked by its parts. */
async function metricsOf(port: string | undefined): Promise<string[]> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  )
}

describe('the metrics of the running services', () => {
  let product: Product
  const told = new Map<ServiceName, readonly string[]>()

  beforeAll(async () => {
    product = await Product.prepare(await freshPlace())
    await product.startAll()
    for (const name of SERVICE_NAMES) {
      told.set(name, await metricsOf(product.env[`${name.toUpperCase()}_TELEMETRY_PORT`]))
    }
  })
  afterAll(() => product.stop())

  it('are all that rules, their cases and dashboards name', () => {
    const there = new Set([...recorded, ...[...told.values()].flat()])

    expect(named.size).toBeGreaterThan(10)
    expect([...named].filter((name) => !there.has(name))).toEqual([])
  })

  it.each(SERVICE_NAMES)('of the %s have a row each in its README, and Node its own', (name) => {
    const readme = readFileSync(projectPath('services', name, 'README.md'), 'utf8')
    const ours = (told.get(name) ?? []).filter((metric) => metric.startsWith('callwebhook_'))
    const rows = ours.filter((metric) => !/_(bucket|count|sum)$/.test(metric))

    expect(rows.length).toBeGreaterThan(0)
    expect(rows.filter((metric) => !readme.includes(`\`${metric}`))).toEqual([])
    expect(told.get(name)).toContain('nodejs_eventloop_lag_p99_seconds')
    expect(told.get(name)).toContain('process_resident_memory_bytes')
  })
})
