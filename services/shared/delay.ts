const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** `30s`, `2m` or `6h` in milliseconds; null for everything else. */
export function parseDelay(text: string): number | null {
  const [, count, unit] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? []
  const unitMs = UNIT_MS[unit ?? '']
  return unitMs === undefined ? null : Number(count) * unitMs
}
