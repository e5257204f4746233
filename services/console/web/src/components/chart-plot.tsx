import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useColourScheme } from '../theme.ts'
import type { ChartProps } from './chart.tsx'
import type { Tone } from './tone.ts'

/** The drawing itself, loaded on its own: it is a fifth of all script. */
export function ChartPlot(props: ChartProps) {
  const frame = useRef<HTMLDivElement>(null)
  const scheme = useColourScheme()
  const drawn = JSON.stringify(props)
  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn again when its numbers or the colours change.
  useEffect(() => {
    const element = frame.current
    if (element === null) return
    const plot = new uPlot(optionsFor(props, element), stacked(props), element)
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: plot.height }),
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [drawn, scheme])
  return <div ref={frame} className="chart-plot" aria-hidden="true" />
}

/** The last series is drawn first and tallest; each is the sum of itself and those before it. */
function stacked({ categories, series }: ChartProps): uPlot.AlignedData {
  const sums = series.map((_, last) =>
    categories.map((_category, index) =>
      series.slice(0, last + 1).reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
    ),
  )
  return [categories.map((_, index) => index), ...sums.reverse()]
}

function optionsFor(props: ChartProps, element: HTMLElement): uPlot.Options {
  const { categories, series, height = 200 } = props
  const colour = colourReader(element)
  const bars = uPlot.paths.bars?.({ size: [0.62, 44], radius: 0.12 })
  return {
    width: element.clientWidth,
    height,
    cursor: { show: false },
    legend: { show: false },
    padding: [12, 4, 0, 0],
    scales: {
      x: { time: false, range: [-0.6, categories.length - 0.4] },
      y: { range: (_plot, _min, max) => [0, Math.max(max * 1.08, 5)] },
    },
    axes: [axisOfDays(categories, colour), axisOfCounts(colour)],
    series: [
      {},
      ...[...series].reverse().map(({ label, tone }) => ({
        label,
        fill: colour(tone),
        stroke: colour(tone),
        width: 0,
        points: { show: false },
        ...(bars === undefined ? {} : { paths: bars }),
      })),
    ],
  }
}

type ColourOf = (name: Tone | 'muted' | 'line') => string

const FONT = '12px system-ui, sans-serif'

function axisOfDays(categories: readonly string[], colour: ColourOf): uPlot.Axis {
  return {
    stroke: colour('muted'),
    font: FONT,
    size: 30,
    grid: { show: false },
    ticks: { show: false },
    splits: categories.map((_, index) => index),
    values: (plot) => {
      const step = Math.ceil(categories.length / Math.max(1, Math.floor(plot.width / 64)))
      return categories.map((category, index) => (index % step === 0 ? category : ''))
    },
  }
}

function axisOfCounts(colour: ColourOf): uPlot.Axis {
  return {
    stroke: colour('muted'),
    font: FONT,
    size: 48,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000],
  }
}

/** A canvas takes no custom properties: an element that uses one tells the colour it comes to. */
function colourReader(element: HTMLElement): ColourOf {
  return (name) => {
    const probe = document.createElement('span')
    probe.className = `chart-colour-${name}`
    element.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
}
