import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../services/normalizer/providers/provider.ts'
import { providers } from '../../../../services/normalizer/providers/registry.ts'
import { keptLeg } from '../../../../services/normalizer/providers/stream-telecom-kept-leg.ts'
import { identify } from '../../../../services/shared/call-event.ts'
import { STREAM_TELECOM_FIELDS } from '../../../../services/shared/provider-settings.ts'
import { legPlace } from '../../../../services/shared/sealed-places.ts'
import { box, encoder } from '../../../support/normalizer-fakes.ts'

const SEALED_BYTES_MAX = 2_048

const START = Date.UTC(2026, 4, 26, 10)
const leg: JsonObject = {
  event: 'Hangup',
  type: 'in',
  from: '380671234567',
  to: '80044022203',
  sessionid: '1586343097.1229109',
  call_id: '1586343097.1229110',
  time_start: START,
  time_answer: null,
  join: true,
  recordUrl: `https://records.example/get?${'a'.repeat(400)}`,
}

function sealedBytes(kept: JsonObject): number {
  const session = { workspaceId: 'ws_1', sourceId: 'source_1', sessionId: '1586343097.1229109' }
  return box.seal(JSON.stringify(kept), legPlace(session)).length
}

describe('a leg that is kept', () => {
  it('is what was told, where that is as long as real ones are', () => {
    const visit = { utm_source: 'google', client_id: '1.2', landing_page: 'https://a.example/?b' }

    expect(keptLeg({ ...leg, ct_data: visit })).toEqual({ ...leg, ct_data: visit })
  })

  it('keeps of a visit what an event tells of it', () => {
    const visit = { utmMedium: 'cpc', pages: Array.from({ length: 1_000 }, () => 'x') }

    expect(keptLeg({ ...leg, ct_data: visit })['ct_data']).toEqual({ utmMedium: 'cpc' })
  })

  it('has long texts cut, and says so; half of an address it has not', () => {
    const kept = keptLeg({
      ...leg,
      to: 'x'.repeat(250_000),
      recordUrl: `https://${'a'.repeat(999)}`,
    })

    expect(kept['to']).toBe(`${'x'.repeat(600)}…`)
    expect(kept).not.toHaveProperty('recordUrl')
    expect(sealedBytes(kept)).toBeLessThanOrEqual(SEALED_BYTES_MAX)
  })

  it.each(['x', '"', '\\', '№', '😀', '\uFFFD'])(
    'has at most 2 KB, were it all of %s',
    (letter) => {
      const long = letter.repeat(20_000)
      const visit = { utm_source: long, utmSource: long, landing_page: long, client_id: long }
      const hostile = Object.fromEntries(STREAM_TELECOM_FIELDS.map((field) => [field, long]))
      const id = letter.repeat(Math.floor(255 / Buffer.byteLength(letter)))

      const kept = keptLeg({ ...hostile, sessionid: id, call_id: id, ct_data: visit })

      expect(sealedBytes(kept)).toBeLessThanOrEqual(SEALED_BYTES_MAX)
      expect(JSON.stringify(kept)).not.toContain('\\ud83d')
    },
  )

  it('lets 200 legs of a session make an event that is far from what Kafka refuses', () => {
    const { merge, settings } = providers['stream-telecom']
    const source = { settings: settings.parse({}), timezone: 'Europe/Kyiv', defaultCountry: 'UA' }
    const legs = Array.from({ length: 200 }, (_, n) => {
      const long = '№'.repeat(80_000)
      return { ...leg, call_id: `1.${n}`, to: long, from: long, via: long, result: long }
    })

    const merged = merge?.(legs, source)

    expect(merged?.legs).toHaveLength(200)
    expect(merged && encoder.encode(identify(merged, 'ws_1')).length).toBeLessThan(256 * 1024)
  })
})
