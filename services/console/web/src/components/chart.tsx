import { lazy, Suspense } from 'react'
import { Skeleton } from './skeleton.tsx'
import type { Tone } from './tone.ts'

export interface ChartSeries {
  readonly label: string
  readonly tone: Tone
  readonly values: readonly number[]
}

export interface ChartProps {
  readonly label: string
  readonly categories: readonly string[]
  readonly series: readonly ChartSeries[]
  /** Pixels. */
  readonly height?: number
}

const Plot = lazy(async () => ({ default: (await import('./chart-plot.tsx')).ChartPlot }))

/** Stacked bars, with the same numbers as a table for who cannot see them. */
export function Chart(props: ChartProps) {
  const { label, categories, series } = props
  return (
    <figure className="chart">
      <figcaption className="chart-legend" aria-hidden="true">
        {series.map(({ label: name, tone }) => (
          <span key={name} className={`chart-key tone-${tone}`}>
            {name}
          </span>
        ))}
      </figcaption>
      <Suspense fallback={<Skeleton height="chart" />}>
        <Plot {...props} />
      </Suspense>
      {/* A table does not shrink to nothing by itself, so its frame does. */}
      <div className="visually-hidden">
        <table>
          <caption>{label}</caption>
          <thead>
            <tr>
              <td />
              {series.map(({ label: name }) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {categories.map((category, index) => (
              <tr key={category}>
                <th scope="row">{category}</th>
                {series.map(({ label: name, values }) => (
                  <td key={name}>{values[index]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}
