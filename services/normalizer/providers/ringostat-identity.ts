import { idDigest } from '../../shared/call-event.ts'
import { epochMs, wallClockMs } from './instant.ts'
import type { Json } from './provider.ts'
import { type Fields, firstRead } from './ringostat-fields.ts'
import { id, number, text } from './wire-value.ts'

/**
 * Which call a body tells of, and when it began. The two help each other: Ringostat's ids hold the
 * second of the start (`us1_-1728427645.1098915`), and a body without an id can be told by its start.
 */

/** The id as told, else as it stands in the address of the recording or of the call card. */
export function callIdOf(fields: Fields): string | null {
  // Some customers name their recording's address like an id.
  const told = fields.first('uniqueid', (value) => (isAddress(value) ? null : id(value)))
  if (told !== null) return told
  const addresses = [
    ...fields.all('uniqueid'),
    ...fields.all('recording'),
    ...fields.all('recording_wav'),
    ...fields.all('call_card'),
  ]
  return firstRead(addresses, (value) => {
    const path = /\/(?:recordings|card)\/([^/?#]+)/.exec(text(value) ?? '')?.[1]
    return path?.replace(/\.(?:ogg|wav|mp3)$/, '') ?? null
  })
}

function isAddress(value: Json): boolean {
  return text(value)?.includes('/') ?? false
}

/** What Ringostat's test button sends: ids of one repeated digit (`1111111111.1111111`). */
export function isTestId(callId: string): boolean {
  return /^(\d)\1{9}\./.test(callId)
}

/**
 * Milliseconds since 1970. In the order of trust: an epoch, the second within the id, a time with
 * an offset, and last the wall clock of the Ringostat project, which the body does not name.
 */
export function startOf(fields: Fields, callId: string | null, zone: string): number | null {
  const second = /(?:^|_-)(\d{10})\.\d+$/.exec(callId ?? '')?.[1]
  return (
    fields.first('calldate', epoch) ??
    epochMs(number(second)) ??
    fields.first('calldate', (value) =>
      hasOffset(value) ? wallClockMs(text(value), zone) : null,
    ) ??
    fields.first('calldate', (value) => wallClockMs(text(value), zone))
  )
}

function epoch(value: Json): number | null {
  return /^\d{10,16}$/.test(text(value) ?? '') ? epochMs(number(value)) : null
}

function hasOffset(value: Json): boolean {
  return /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text(value) ?? '')
}

/**
 * An id for a body that has none, from what makes a call: when, who, whom, which way. It is stable,
 * so a repeat is recognized; two calls of the same second between the same numbers would be one,
 * and other events of the call, which know its real id, do not find it.
 */
export function syntheticId(parts: readonly (string | number | null)[]): string {
  return `synthetic-${idDigest(parts.map((part) => String(part ?? '')))}`
}
