import type { Json, JsonObject } from './provider.ts'

/**
 * Readers for values as providers write them. "Nothing" comes in many spellings (`''`, `null`,
 * `'null'`, `[]`, `{}`, `-1`); all of them are `null` here, so that no mapping invents a value.
 */

const NOTHING = new Set(['', 'null', 'undefined'])

/** Trimmed text, or null. Numbers become text as they are; booleans, lists and objects are null. */
export function text(value: Json | undefined): string | null {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return null
  const trimmed = value.trim()
  return NOTHING.has(trimmed) ? null : trimmed
}

/** Text that identifies something: `-1` and `0` mean nobody. */
export function id(value: Json | undefined): string | null {
  const read = text(value)
  return read === '-1' || read === '0' ? null : read
}

/** Whole seconds of a duration, or null for anything negative, broken or absent. */
export function seconds(value: Json | undefined): number | null {
  const read = number(value)
  return read === null || read < 0 || read > SECONDS_MAX ? null : Math.round(read)
}

/** Longest duration that the Avro `int` of the event holds. */
const SECONDS_MAX = 2 ** 31 - 1

/** A finite decimal number, or null. */
export function number(value: Json | undefined): number | null {
  const read = text(value)
  if (read === null || !/^-?\d+(\.\d+)?$/.test(read)) return null
  const parsed = Number(read)
  return Number.isFinite(parsed) ? parsed : null
}

/** True and false in their spellings (`1`, `'1'`, `true`, `'yes'`), else null. */
export function flag(value: Json | undefined): boolean | null {
  if (typeof value === 'boolean') return value
  const read = text(value)?.toLowerCase()
  if (read === '1' || read === 'true' || read === 'yes') return true
  if (read === '0' || read === 'false' || read === 'no') return false
  return null
}

/** The value if it is an object, else an empty one. Only own keys are read from it. */
export function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value if it is a list, else an empty one. */
export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

/**
 * Entries of what was numbered on the wire, in the order of the numbers: a form parser makes a
 * list of `[0]`, `[1]` and an object of `[0]`, `[500]`; integer keys of an object iterate ascending
 * in JavaScript, so 10 comes after 9.
 */
export function numbered(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : Object.values(object(value))
}

/** A marketing tag as it is; `(not set)` and `(not provided)` are Google's words for nothing. */
export function tag(value: Json | undefined): string | null {
  const read = text(value)
  return read === '(not set)' || read === '(not provided)' ? null : read
}

type UtmName = 'source' | 'medium' | 'campaign' | 'term' | 'content'

/** The five `utm_…` tags of a visit, under whatever names a provider gives them. */
export function utmTags(read: (name: UtmName) => string | null): Record<UtmName, string | null> {
  return {
    source: read('source'),
    medium: read('medium'),
    campaign: read('campaign'),
    term: read('term'),
    content: read('content'),
  }
}

/** An address of the web, byte for byte but for the blanks around it. */
export function webUrl(value: Json | undefined): string | null {
  const read = text(value)
  return read !== null && /^https?:\/\//i.test(read) ? read : null
}

/** Text if there is any, else what the fall-back says. */
export function firstText(...values: readonly (Json | undefined)[]): string | null {
  for (const value of values) {
    const read = text(value)
    if (read !== null) return read
  }
  return null
}
