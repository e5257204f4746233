import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { DASHBOARD_FILE, renderDashboard } from '../../../deploy/grafana/dashboard.ts'
import { ROWS } from '../../../deploy/grafana/rows.ts'
import { projectPath } from '../../../services/shared/project-path.ts'

interface Cell {
  readonly id: number
  readonly title: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
}

const cells: readonly Cell[] = JSON.parse(renderDashboard()).panels

describe('the dashboard', () => {
  it('is in the repository as its source makes it; otherwise run `npm run dashboard`', () => {
    expect(readFileSync(DASHBOARD_FILE, 'utf8')).toBe(renderDashboard())
  })

  it('gives each panel a place of its own on the 24 columns', () => {
    const taken = cells.flatMap(({ title, gridPos: { x, y, w, h } }) => {
      expect(x + w, title).toBeLessThanOrEqual(24)
      return Array.from(
        { length: w * h },
        (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`,
      )
    })

    expect(new Set(taken).size).toBe(taken.length)
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length)
  })

  it('asks a question in each title and answers with a whole sentence what it tells', () => {
    for (const { title, description } of ROWS.flatMap(({ panels }) => panels)) {
      expect(title).toMatch(/^[A-Z].*\?$/)
      expect(description, title).toMatch(/^[A-Z0-9].*\.$/)
    }
  })

  it('takes its rates over what Prometheus really scrapes', () => {
    const [datasource] = parse(
      readFileSync(projectPath('deploy/grafana/provisioning/datasources/prometheus.yml'), 'utf8'),
    ).datasources
    const prometheus = parse(readFileSync(projectPath('deploy/prometheus/prometheus.yml'), 'utf8'))

    expect(datasource.jsonData.timeInterval).toBe(prometheus.global.scrape_interval)
  })
})
