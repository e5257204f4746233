import type { ProviderName } from '../../services/shared/call-event.ts'

/** One webhook of each provider that tells a whole call, as many calls as there are numbers. */
export interface ProviderCall {
  /** What the event will have as `providerCallId`. */
  readonly id: string
  /** Behind the address that the customer pastes at the provider. */
  readonly path: string
  readonly contentType: string
  readonly body: string
}

/** 26 May 2026, 14:17:59 UTC. */
const STARTED_AT_S = 1_779_803_879
const ENDED_AT_MS = (STARTED_AT_S + 25) * 1_000
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

export function callOf(provider: ProviderName, number: number): ProviderCall {
  return CALLS[provider](number)
}

const CALLS: Readonly<Record<ProviderName, (number: number) => ProviderCall>> = {
  binotel: (number) => ({
    id: String(number),
    path: '',
    contentType: FORM_TYPE,
    body: `requestType=apiCallCompleted&callDetails[generalCallID]=${number}&callDetails[startTime]=${STARTED_AT_S}&callDetails[callType]=0&callDetails[externalNumber]=0671234567&callDetails[billsec]=17&callDetails[disposition]=ANSWER`,
  }),
  ringostat: (number) => ({
    id: `ua0_-1779803880.${number}`,
    path: '/after-call',
    contentType: JSON_TYPE,
    body: JSON.stringify({
      uniqueid: `ua0_-1779803880.${number}`,
      calldate: '2026-05-26 16:58:00',
      call_type: 'in',
      caller: '380671234567',
      dst: '380443334455',
      disposition: 'ANSWERED',
      duration: 44,
      billsec: 31,
    }),
  }),
  phonet: (number) => ({
    id: number.toString(16).padStart(32, '0'),
    path: '',
    contentType: JSON_TYPE,
    body: JSON.stringify({
      event: 'call.hangup',
      uuid: number.toString(16).padStart(32, '0'),
      dialAt: STARTED_AT_S * 1_000,
      bridgeAt: null,
      serverTime: ENDED_AT_MS,
      lgDirection: 4,
      otherLegs: [{ num: '+380671234567' }],
      trunkNum: '+380441234567',
    }),
  }),
  // The leg that closes the call: the only one that it has.
  'stream-telecom': (number) => ({
    id: `${STARTED_AT_S}.${number}`,
    path: '',
    contentType: JSON_TYPE,
    body: JSON.stringify({
      event: 'Hangup',
      type: 'out',
      from: '80044022203',
      to: '380671234567',
      via: '380441234567',
      call_id: `${STARTED_AT_S + 1}.${number}`,
      sessionid: `${STARTED_AT_S}.${number}`,
      result: 'busy',
      time_start: STARTED_AT_S * 1_000,
      event_time: ENDED_AT_MS,
    }),
  }),
  unitalk: (number) => ({
    id: String(number),
    path: '',
    contentType: FORM_TYPE,
    body: `call_id=${number}&call_from=380671234567&call_to_0=102&call_secondstalk=95&call_secondsfulltime=117&call_direction=in&call_date=2026-05-26+16:58:00&call_state=ANSWERED`,
  }),
}
