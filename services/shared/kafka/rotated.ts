/** The same entries in the same circle, beginning at any of them. */
export function rotated<Entry>(entries: readonly Entry[]): Entry[] {
  const start = Math.floor(Math.random() * entries.length)
  return [...entries.slice(start), ...entries.slice(0, start)]
}
