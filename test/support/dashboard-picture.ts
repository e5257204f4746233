import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { PanelSource, PanelUnit } from '../../deploy/grafana/row-source.ts'
import { ROWS } from '../../deploy/grafana/rows.ts'
import { projectPath } from '../../services/shared/project-path.ts'
import { screenshot, startBrowser } from './browser.ts'

/**
 * The dashboard as a picture, without Grafana, which no package registry has: the same rows, panels and
 * queries, answered by a real Prometheus and drawn by the library that the console's page draws with.
 */

const UPLOT = projectPath('node_modules', 'uplot', 'dist')
const SECONDS_SHOWN = 15

const ranges = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
})

interface Line {
  readonly legend: string
  /** By second since 1970. */
  readonly points: ReadonlyMap<number, number>
}

interface Drawn extends Pick<PanelSource, 'title' | 'kind' | 'unit' | 'width'> {
  /** uPlot's form: the seconds, then the values of each line. */
  readonly columns: readonly (readonly (number | null)[])[]
  readonly legends: readonly string[]
}

/** With windows for a dashboard that shows some seconds. */
export function asked(expr: string): string {
  return expr.replaceAll('$__rate_interval', '10s').replaceAll('$__range', '1h')
}

async function linesOf(prometheus: string, { queries }: PanelSource, now: number): Promise<Line[]> {
  const answers = queries.map(async ({ expr, legend }) => {
    const query = new URLSearchParams({
      query: asked(expr),
      start: String(now - SECONDS_SHOWN),
      end: String(now),
      step: '1',
    })
    const response = await fetch(`${prometheus}/api/v1/query_range?${query}`)
    return ranges.parse(await response.json()).data.result.map(({ metric, values }) => ({
      legend: legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
      points: new Map(values.map(([second, value]) => [second, Number(value)])),
    }))
  })
  return (await Promise.all(answers)).flat()
}

async function drawn(prometheus: string, panel: PanelSource, now: number): Promise<Drawn> {
  const lines = await linesOf(prometheus, panel, now)
  const seconds = Array.from(
    { length: SECONDS_SHOWN },
    (_, index) => now - SECONDS_SHOWN + index + 1,
  )
  const valueAt = ({ points }: Line, second: number) => {
    const value = points.get(second)
    return value === undefined || Number.isNaN(value) ? null : value
  }
  const columns = [seconds, ...lines.map((line) => seconds.map((second) => valueAt(line, second)))]
  const { title, kind, unit, width } = panel
  return { title, kind, unit, width, columns, legends: lines.map(({ legend }) => legend) }
}

/** Keeps `test-output/screenshots/<name>.png`; answers how many panels show at least one value. */
export async function pictureOfDashboard(prometheus: string, name: string): Promise<number> {
  const now = Math.floor(Date.now() / 1000)
  const rows = await Promise.all(
    ROWS.map(async ({ title, panels }) => ({
      title,
      panels: await Promise.all(panels.map((panel) => drawn(prometheus, panel, now))),
    })),
  )
  const browser = await startBrowser()
  try {
    const page = await browser.newPage({ locale: 'en-GB', viewport: { width: 1600, height: 900 } })
    const broken: Error[] = []
    page.on('pageerror', (error) => broken.push(error))
    await page.setContent(html(rows))
    if (broken[0]) throw broken[0]
    await screenshot(page, name)
  } finally {
    await browser.close()
  }
  const hasValue = ({ columns }: Drawn) =>
    columns
      .slice(1)
      .flat()
      .some((value) => value !== null)
  return rows.flatMap(({ panels }) => panels).filter(hasValue).length
}

const SUFFIXES: Readonly<Record<PanelUnit, string>> = {
  short: '',
  s: ' s',
  percentunit: ' %',
  eps: ' events/s',
  reqps: ' requests/s',
  bytes: ' MB',
  Bps: ' MB/s',
}

const DRAW = `
  const colours = ['#73bf69', '#f2cc0c', '#5794f2', '#ff780a', '#e02f44', '#b877d9', '#8ab8ff', '#96d98d']
  const factors = { percentunit: 100, bytes: 1e-6, Bps: 1e-6 }
  const shown = (value, unit) => value === null || value === undefined ? '–'
    : Number((value * (factors[unit] ?? 1)).toPrecision(4)) + suffixes[unit]
  for (const { title, panels } of rows) {
    document.body.append(Object.assign(document.createElement('h2'), { textContent: title }))
    const grid = document.body.appendChild(document.createElement('section'))
    for (const panel of panels) {
      const box = grid.appendChild(document.createElement('article'))
      box.style.gridColumn = 'span ' + panel.width
      box.append(Object.assign(document.createElement('h3'), { textContent: panel.title }))
      const last = (column) => column.findLast((value) => value !== null)
      if (panel.kind === 'stat') {
        const text = panel.columns.slice(1).map((column) => shown(last(column), panel.unit)).join(' · ') || '–'
        box.append(Object.assign(document.createElement('p'), { textContent: text }))
        continue
      }
      const series = panel.legends.map((label, index) => ({
        label, stroke: colours[index % colours.length], width: 2, spanGaps: true,
        value: (_, value, __, at) => shown(at === null ? last(panel.columns[index + 1]) : value, panel.unit),
      }))
      const axis = { stroke: '#9fa7b3', grid: { stroke: '#2c3235' }, ticks: { stroke: '#2c3235' } }
      new uPlot({
        width: box.clientWidth - 24, height: 170,
        series: [{}, ...series],
        axes: [axis, { ...axis, size: 130, values: (_, ticks) => ticks.map((tick) => shown(tick, panel.unit)) }],
      }, panel.columns, box)
    }
  }`

const STYLE = `
  body { margin: 16px; background: #111217; color: #ccccdc; font: 14px/1.4 sans-serif }
  h2 { margin: 16px 0 8px; font-size: 16px } h3 { margin: 0 0 8px; font-size: 13px; font-weight: 600 }
  section { display: grid; grid-template-columns: repeat(24, 1fr); gap: 8px }
  article { background: #181b1f; border: 1px solid #2c3235; border-radius: 4px; padding: 12px; min-width: 0 }
  .u-legend .u-series:first-child { display: none }
  p { margin: 24px 0; font-size: 34px; text-align: center; color: #73bf69 }`

function html(
  rows: readonly { readonly title: string; readonly panels: readonly Drawn[] }[],
): string {
  const file = (name: string) => readFileSync(join(UPLOT, name), 'utf8')
  const data = JSON.stringify({ rows, suffixes: SUFFIXES }).replaceAll('<', '\\u003c')
  return `<!doctype html><meta charset="utf-8"><style>${file('uPlot.min.css')}${STYLE}</style><body>
<script>${file('uPlot.iife.min.js')}</script><script>const { rows, suffixes } = ${data};${DRAW}</script>`
}
