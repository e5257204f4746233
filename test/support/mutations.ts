import type { Json, JsonObject } from '../../services/normalizer/providers/provider.ts'

/**
 * Structured mutations of recorded requests: the shape stays plausible, so that what is wrong gets as
 * deep into the mappings as anything. The same seed gives the same mutations.
 */
export interface Random {
  /** From 0, below 1. */
  next(): number
  below(count: number): number
  pick<const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number]
}

/** Mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return { next, below, pick: (items) => items[below(items.length)] ?? items[0] }
}

/** Grow in UTF-8, in JSON or in a form, or are none of these. */
const LETTERS = ['x', '№', '😀', '\uD800', '\0', '\n', '"', '\\', '%', '\u202E', '<', '9'] as const
const LENGTHS = [1, 5, 40, 256, 300, 4_000, 30_000, 120_000, 250_000] as const
const NUMBERS = [
  -1,
  0,
  0.5,
  2 ** 31,
  2 ** 53,
  1e21,
  1e308,
  -1e308,
  Number.MAX_SAFE_INTEGER,
] as const
const TIMES = [
  '0000-00-00 00:00:00',
  '0001-01-01T00:00:00Z',
  '1969-12-31 23:59:59',
  '2026-02-30 10:00:00',
  '2026-03-29 03:30:00',
  '9999-12-31T23:59:59Z',
  '+275760-09-13T00:00:00Z',
  '2026-W22-2',
  '99999999999999',
  -62_135_596_800_000,
  8.64e15,
] as const
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'calls',
  'items',
  'id',
  '',
  '№',
  'a\0b',
] as const

/** One to three places of the value changed. */
export function mutated(value: Json, random: Random): Json {
  let result = value
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    result = changedAt(result, random.below(countOf(result)), random)
  }
  return result
}

function countOf(value: Json): number {
  return childrenOf(value).reduce<number>((count, child) => count + countOf(child), 1)
}

function childrenOf(value: Json): readonly Json[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}

/** With the value at `place`, counted depth first, replaced. */
function changedAt(value: Json, place: number, random: Random): Json {
  if (place === 0) return changed(value, random)
  let left = place - 1
  const entries = Object.entries(value as JsonObject).map(([name, child]): [string, Json] => {
    const count = countOf(child)
    const isHere = left >= 0 && left < count
    const replaced = isHere ? changedAt(child, left, random) : child
    left -= count
    return [name, replaced]
  })
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries)
}

const CHANGES: readonly [Change, ...Change[]] = [
  (_, random) => longText(random),
  (_, random) => random.pick(NUMBERS),
  (_, random) => random.pick(TIMES),
  (_, random) => [null, '', true, [], {}, [[]], 'null', '-1'][random.below(8)] ?? null,
  (value, random) => nested(value, 1 + random.below(40)),
  (value, random) => copiesOf(value, 1 + random.below(300)),
  (value, random) => renamed(value, random),
  (value, random) => without(value, random),
  (value, random) => (typeof value === 'string' ? value + longText(random) : longText(random)),
]
type Change = (value: Json, random: Random) => Json

function changed(value: Json, random: Random): Json {
  return random.pick(CHANGES)(value, random)
}

function longText(random: Random): string {
  return random.pick(LETTERS).repeat(random.pick(LENGTHS))
}

/** What is longer than two bodies is cut at the door, and 300 long texts would be no string any more. */
const COPIES_LENGTH_MAX = 600_000

function copiesOf(value: Json, count: number): Json {
  const most = Math.ceil(COPIES_LENGTH_MAX / JSON.stringify(value).length)
  return Array.from({ length: Math.min(count, most) }, () => value)
}

function nested(value: Json, levels: number): Json {
  return levels === 0 ? value : nested(levels % 2 === 0 ? [value] : { a: value }, levels - 1)
}

function renamed(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value)
  const at = random.below(entries.length)
  return Object.fromEntries(
    entries.map(([name, child], index) => [index === at ? random.pick(NAMES) : name, child]),
  )
}

function without(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.slice(1)
  const entries = Object.entries(value)
  const at = random.below(entries.length)
  return Object.fromEntries(entries.filter((_, index) => index !== at))
}
