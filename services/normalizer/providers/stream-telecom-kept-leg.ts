import type { Json, JsonObject } from './provider.ts'
import { VISIT_FIELDS } from './stream-telecom-visit.ts'
import { object } from './wire-value.ts'

/**
 * What of a leg is kept until its session is merged: at most 1,480 bytes of JSON, which are 2 KB once
 * they are sealed. So 200 legs make an event that Kafka takes, and merging them holds nobody up. A
 * text that is longer than any real one is cut, and says so by an ellipsis at its end.
 */
const LEG_BYTES_MAX = 1_480

/** Longest texts, in characters: the first with which the leg fits. Real legs fit with the first. */
const TEXT_CHARS_MAX = [600, 300, 150, 75, 35, 15, 5]

const MARK = '…'

export function keptLeg(record: JsonObject): JsonObject {
  for (const max of TEXT_CHARS_MAX) {
    const leg = cutLeg(record, max)
    if (Buffer.byteLength(JSON.stringify(leg)) <= LEG_BYTES_MAX) return leg
  }
  return cutLeg(record, 0)
}

function cutLeg(record: JsonObject, max: number): JsonObject {
  const kept = Object.entries(record).flatMap(([name, value]): [string, Json][] => {
    const cut = cutField(name, value, max)
    return cut === undefined ? [] : [[name, cut]]
  })
  return Object.fromEntries(kept)
}

function cutField(name: string, value: Json, max: number): Json | undefined {
  if (name === 'sessionid' || name === 'call_id') return scalar(value) // Their length is bounded.
  if (name === 'ct_data') return visit(object(value), max)
  const told = scalar(value)
  if (typeof told !== 'string' || told.length <= max) return told
  // Half of an address leads nowhere.
  return name === 'recordUrl' ? undefined : cutText(told, max)
}

/** Lists and objects say nothing where a text is expected. */
function scalar(value: Json): string | number | boolean | null | undefined {
  return typeof value === 'object' && value !== null ? undefined : value
}

function visit(told: JsonObject, max: number): Json | undefined {
  const kept = VISIT_FIELDS.flatMap((name): [string, string][] => {
    const value = told[name]
    return typeof value === 'string' ? [[name, cutText(value, max)]] : []
  })
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

function cutText(value: string, max: number): string {
  if (value.length <= max) return value
  return `${value.slice(0, max).replace(/\p{Surrogate}$/u, '')}${MARK}`
}
