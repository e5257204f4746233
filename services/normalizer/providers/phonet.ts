import { type PhonetSettings, phonetSettings } from '../../shared/provider-settings.ts'
import { hangUp, historyRecord, type PhonetCall } from './phonet-call.ts'
import {
  type Json,
  type JsonObject,
  type Provider,
  rejected,
  type SourceContext,
  tooMany,
  type Verdict,
} from './provider.ts'
import { firstText, isObject, list, number, object, text } from './wire-value.ts'

/**
 * Phonet (phonet.ua). Three kinds of request may come to the same URL: events of a call
 * (`call.dial`, `call.bridge`, `call.hangup`), the full record after it ("Передача повної
 * інформації про дзвінок"), and a look-up of the caller that waits for its answer.
 *
 * Phonet repeats events and tells a finished call twice where both are configured: the hang-up and
 * the record have the same uuid, hence the same event id. The record, which has the recording, then
 * becomes `call.recording_ready`.
 */
export const phonet: Provider<PhonetSettings> = {
  name: 'phonet',
  settings: phonetSettings,
  acknowledgement: { contentType: 'application/json', body: '{}' },
  read(request, source) {
    const { records, shared } = recordsIn(request.body)
    const told = (record: Json): Json => (isObject(record) ? { ...shared, ...record } : record)
    return (
      tooMany(records.length) ??
      records.map((record) => readRecord(told(record), source, request.receivedAt))
    )
  },
}

/** Under which keys readers of Phonet's history have met the list of calls. */
const WRAPPERS = ['items', 'calls', 'content', 'data', 'list']

/**
 * The calls of a body: one, a list, or either of them wrapped. A wrapper's own fields (event,
 * account) count for each call in it, so that the account is checked there, too.
 */
function recordsIn(body: Json): { records: readonly Json[]; shared: JsonObject } {
  const told = list(body)
  if (told.length > 0) return { records: told, shared: {} }
  const outer = object(body)
  const wrapper = WRAPPERS.find((key) => typeof outer[key] === 'object' && outer[key] !== null)
  if (wrapper === undefined || text(outer['uuid']) !== null) return { records: [body], shared: {} }
  const { [wrapper]: inner, ...shared } = outer
  const records = isObject(inner) ? [inner] : list(inner)
  return records.length === 0 ? { records: [body], shared: {} } : { records, shared }
}

function readRecord(
  record: Json,
  source: SourceContext<PhonetSettings>,
  receivedAt: number,
): Verdict {
  if (!isObject(record)) return rejected('unrecognized', 'a call is not an object')
  const named = accountIn(record)
  const expected = source.settings.accountDomain ?? null
  if (named !== null && expected !== null && named !== expected) {
    return rejected('account_mismatch', 'accountDomain is not the one of this source')
  }
  const told = { record, account: named ?? expected, defaultCountry: source.defaultCountry }
  const event = firstText(record['event'], record['lastEvent'])?.toLowerCase() ?? null
  // Hold and unhold ride on call.bridge, with 32 and 64 in place of the direction.
  if (event === 'call.dial' || event === 'call.bridge') return notFinal
  if (isHistory(record)) return verdict(historyRecord(told))
  if (event === 'call.hangup') return verdict(hangUp(told, receivedAt))
  if (event !== null) return { kind: 'ignored', reason: 'unknown_event' }
  if (isLookup(record)) return { kind: 'answer', body: UNKNOWN_CALLER }
  return rejected('unrecognized', 'neither an event, nor a call record, nor a look-up')
}

const notFinal: Verdict = { kind: 'ignored', reason: 'not_final' }

/**
 * "We do not know this caller". An invented extension in `responsibleEmployeeExt` would make the
 * exchange route the call to that person.
 */
const UNKNOWN_CALLER = {
  name: null,
  newEntity: true,
  url: '',
  urlText: '',
  responsibleEmployeeExt: null,
  responsibleEmployeeEmail: null,
}

/** Only the record of a finished call tells how it ended. */
function isHistory(record: JsonObject): boolean {
  return ['endAt', 'billSecs', 'disposition'].some((key) => number(record[key]) !== null)
}

/** A hidden number is asked with `otherLegNum: null`: the caller still waits for an answer. */
function isLookup(record: JsonObject): boolean {
  return Object.hasOwn(record, 'otherLegNum') && text(record['uuid']) === null
}

/** `Https://ACME.phonet.com.ua/` is `acme.phonet.com.ua`, as the settings write it. */
function accountIn(record: JsonObject): string | null {
  const named = text(record['accountDomain'])
    ?.toLowerCase()
    .replace(/^https?:\/\//, '')
  return named?.replace(/\/.*$/, '') ?? null
}

function verdict(call: PhonetCall): Verdict {
  switch (call.kind) {
    case 'call':
      return { kind: 'event', call: call.facts }
    case 'no_call_id':
      return rejected('no_call_id', 'uuid is missing')
    case 'invalid_time':
      return rejected('invalid_time', 'dialAt (or endAt with duration) is no usable time')
  }
}
