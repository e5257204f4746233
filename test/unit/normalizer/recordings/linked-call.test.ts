import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { providers } from '../../../../services/normalizer/providers/registry.ts'
import { linkedCall } from '../../../../services/normalizer/recordings/linked-call.ts'
import { createRecordingLinks } from '../../../../services/normalizer/recordings/recording-link.ts'
import { type CallFacts, PROVIDER_NAMES } from '../../../../services/shared/call-event.ts'
import { callFacts, source, stoppedClock } from '../../../support/normalizer-fakes.ts'
import { providerFixtures } from '../../../support/provider-fixtures.ts'

const now = Date.UTC(2026, 10, 24)
const links = createRecordingLinks([randomBytes(32)])
const options = {
  publicUrl: 'https://in.example.com',
  links,
  linkMs: 86_400_000,
  clock: stoppedClock(now),
}

function withSettings(settings: object) {
  return { ...source, context: { ...source.context, settings } }
}

const withKey = withSettings({ apiKey: 'key', apiSecret: 'secret' })

describe('a call of a source with the key to its recordings', () => {
  it.each(['pending', 'available'] as const)('has an address of ours when %s', (status) => {
    const { recordingUrl, ...rest } = linkedCall(
      callFacts({ recordingStatus: status }),
      withKey,
      options,
    )
    const [base, token = ''] = recordingUrl?.split('/recordings/') ?? []

    expect(base).toBe('https://in.example.com')
    expect(links.read(token)).toEqual({
      sourceId: source.id,
      providerCallId: '4683310794',
      issuedAt: now,
      expiresAt: now + 86_400_000,
    })
    expect(rest).toMatchObject({ recordingStatus: status, providerCallId: '4683310794' })
  })

  it.each([
    ['no recording', callFacts({ recordingStatus: 'none' })],
    [
      'an id that Binotel cannot have made',
      callFacts({ recordingStatus: 'pending', providerCallId: '../x' }),
    ],
  ])('has none with %s', (_, call) => {
    expect(linkedCall(call, withKey, options)).toBe(call)
  })
})

describe('a call of a source without that key', () => {
  it.each(PROVIDER_NAMES)('stays as it was mapped, in each sample of %s', (provider) => {
    const calls = providerFixtures()
      .filter((fixture) => fixture.provider === provider)
      .flatMap(({ expected, merged }) => [...expected.map((verdict) => verdict['call']), merged])
      .filter((call) => call !== undefined && call !== null)
    const settings = providers[provider].settings.parse({})
    const plain = { ...source, provider, context: { ...source.context, settings } }

    expect(calls.length).toBeGreaterThan(0)
    for (const call of calls) {
      const facts = call as unknown as CallFacts
      expect(linkedCall(facts, plain, options)).toBe(facts)
    }
  })
})
