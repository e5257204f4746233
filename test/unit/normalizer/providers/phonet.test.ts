import { describe, expect, it } from 'vitest'
import { phonet } from '../../../../services/normalizer/providers/phonet.ts'
import type {
  Json,
  JsonObject,
  Verdict,
} from '../../../../services/normalizer/providers/provider.ts'
import { identify } from '../../../../services/shared/call-event.ts'
import { phonetSettings } from '../../../../services/shared/provider-settings.ts'

const UUID = '8c1f6f0e2b7d4a5e9d3c1a2b3c4d5e6f'

describe('a finished call of Phonet', () => {
  it('is the same event when the hang-up and the record tell it', () => {
    const [hangUp, record] = [aHangUp({}), aRecord({ uuid: UUID.toUpperCase() })].map(eventIdOf)

    expect(hangUp).toBe(record)
  })

  it('tells more in the record: the recording is there, at the address that was expected', () => {
    expect([aHangUp({}), aRecord({})].map((told) => callOf(told))).toMatchObject([
      { recordingStatus: 'pending', recordingUrl: recordingOf('acme.phonet.com.ua') },
      { recordingStatus: 'available', recordingUrl: recordingOf('acme.phonet.com.ua') },
    ])
  })

  it.each(['acme.phonet.com.ua/../evil', 'user@evil.example', 'evil.example?'])(
    'makes no recording address of %j',
    (accountDomain) => {
      const url = callOf(aHangUp({ accountDomain }))?.recordingUrl ?? null

      expect(url === null || url === recordingOf('acme.phonet.com.ua')).toBe(true)
    },
  )

  it('has no negative durations when the clocks of the exchange disagree', () => {
    const call = callOf(aHangUp({ dialAt: 1_773_134_600_000 }))

    expect(call).toMatchObject({ duration: null, waitDuration: null, talkDuration: 125 })
  })
})

describe('a look-up of Phonet', () => {
  it('routes the caller to nobody', () => {
    expect(read({ otherLegNum: '+380671234567' })).toMatchObject([
      { kind: 'answer', body: { responsibleEmployeeExt: null, responsibleEmployeeEmail: null } },
    ])
  })

  it('is not answered for the account of another customer', () => {
    const asked = { otherLegNum: '+380671234567', accountDomain: 'other.phonet.com.ua' }

    expect(read(asked, { accountDomain: 'acme.phonet.com.ua' })).toMatchObject([
      { kind: 'rejected', reason: 'account_mismatch' },
    ])
  })
})

function aHangUp(told: JsonObject): JsonObject {
  return {
    event: 'call.hangup',
    accountDomain: 'acme.phonet.com.ua',
    uuid: UUID,
    dialAt: 1_773_134_400_000,
    bridgeAt: 1_773_134_412_000,
    serverTime: 1_773_134_537_000,
    lgDirection: 4,
    ...told,
  }
}

function aRecord(told: JsonObject): JsonObject {
  return {
    uuid: UUID,
    endAt: 1_773_134_537_000,
    duration: 137,
    billSecs: 125,
    disposition: 0,
    lgDirection: 4,
    audioRecUrl: `${recordingOf('acme.phonet.com.ua')} `,
    ...told,
  }
}

function recordingOf(account: string): string {
  return `https://${account}/rest/public/calls/${UUID}/audio`
}

function read(body: Json, settings: JsonObject = {}): readonly Verdict[] {
  const request = { method: 'POST', eventPath: '', headers: {}, query: {}, receivedAt: 0 } as const
  const source = { timezone: 'Europe/Kyiv', defaultCountry: 'UA' }
  return phonet.read({ ...request, body }, { ...source, settings: phonetSettings.parse(settings) })
}

function callOf(body: JsonObject) {
  const [verdict] = read(body)
  return verdict?.kind === 'event' ? verdict.call : null
}

function eventIdOf(body: JsonObject): string | null {
  const call = callOf(body)
  return call && identify(call, 'ws_1').eventId
}
