import { STREAM_TELECOM_FIELDS } from '../../shared/provider-settings.ts'
import type { Json, JsonObject } from './provider.ts'
import { answeredAt, instantOf, legIdOf, type StreamTelecomSource } from './stream-telecom-leg.ts'
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
  for (const told of tellings) {
    const known = byLeg.get(legIdOf(told))
    if (known) known.push(told)
    else byLeg.set(legIdOf(told), [told])
  }
  return [...byLeg.values()].map((told) => joined(weightiestFirst(told, source)))
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
function weightiestFirst(
  tellings: readonly JsonObject[],
  source: StreamTelecomSource,
): readonly JsonObject[] {
  const weighed = tellings.map((told) => ({
    told,
    isWhole: answeredAt(told, source) !== null,
    at: instantOf(told['event_time'], source) ?? 0,
    content: JSON.stringify(told),
  }))
  return weighed
    .toSorted(
      (a, b) =>
        Number(b.isWhole) - Number(a.isWhole) || b.at - a.at || (a.content > b.content ? -1 : 1),
    )
    .map(({ told }) => told)
}
