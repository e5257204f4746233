/**
 * What a row of the dashboard says of itself.
 *
 * A title is the question that its panel answers. Rates use `$__rate_interval`, so that they have
 * points at every zoom; what is counted over the time shown uses `$__range`.
 */
export interface RowSource {
  readonly title: string
  readonly panels: readonly PanelSource[]
}

export interface PanelSource {
  readonly title: string
  /** One sentence: what it tells, and what to do when it looks wrong. */
  readonly description: string
  /** One number, lines, or lines on top of each other. */
  readonly kind: 'stat' | 'lines' | 'stack'
  readonly unit: PanelUnit
  readonly queries: readonly QuerySource[]
  /** Of 24 columns. */
  readonly width: number
  /** The number's colour from each value on, and dashed lines in a graph; below the first: green. */
  readonly thresholds?: readonly (readonly [value: number, colour: string])[]
}

/** Units in Grafana's words. */
export type PanelUnit = 'short' | 's' | 'percentunit' | 'eps' | 'reqps' | 'bytes' | 'Bps'

export interface QuerySource {
  readonly expr: string
  /** `{{label}}` stands for the value of a label. */
  readonly legend: string
}

export const RATE = '[$__rate_interval]'
export const HALF = 12
export const THIRD = 8
export const QUARTER = 6

export const quantile = (q: number, bucket: string): string =>
  `histogram_quantile(${q}, sum by (le) (rate(${bucket}${RATE})))`
