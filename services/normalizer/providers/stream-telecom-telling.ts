import { STREAM_TELECOM_FIELDS } from '../../shared/provider-settings.ts'
import type { Json, JsonObject } from './provider.ts'
import { instantOf, isAnsweredIn, legIdOf, type StreamTelecomSource } from './stream-telecom-leg.ts'
import { isObject, text } from './wire-value.ts'

/**
 * One leg may be told several times, with less the next time: the vendor's own builder sends two
 * hang-ups with one `call_id`, one of them without the time of the answer, in either order.
 */

/** One record for each leg, out of all its tellings; their order does not matter. Pure. */
export function joinedLegs(
  tellings: readonly JsonObject[],
  source: StreamTelecomSource,
): readonly JsonObject[] {
  const byLeg = new Map<string, JsonObject[]>()
  for (const told of tellings.toSorted(byWeight(source))) {
    const legId = legIdOf(told)
    byLeg.set(legId, [...(byLeg.get(legId) ?? []), told])
  }
  return [...byLeg.values()].map(joined)
}

/** Of each field the value of the first that has one: null never takes its place. */
function joined(tellings: readonly JsonObject[]): JsonObject {
  const fields = STREAM_TELECOM_FIELDS.flatMap((field): [string, Json][] => {
    const value = tellings.map((told) => told[field]).find(isTold)
    return value === undefined ? [] : [[field, value]]
  })
  return Object.fromEntries(fields)
}

function isTold(value: Json | undefined): value is Json {
  if (isObject(value)) return Object.keys(value).length > 0
  return typeof value === 'boolean' || text(value) !== null
}

/** An answer with its time before all others, then the latest; equal ones are decided by content. */
function byWeight(source: StreamTelecomSource): (a: JsonObject, b: JsonObject) => number {
  const isWhole = (told: JsonObject) =>
    isAnsweredIn(told, source) && instantOf(told['time_answer'], source) !== null
  const at = (told: JsonObject) => instantOf(told['event_time'], source) ?? 0
  return (a, b) =>
    Number(isWhole(b)) - Number(isWhole(a)) ||
    at(b) - at(a) ||
    (JSON.stringify(a) > JSON.stringify(b) ? -1 : 1)
}
