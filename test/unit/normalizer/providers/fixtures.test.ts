import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../../../services/normalizer/providers/provider.ts'
import {
  type ProviderFixture,
  providerFixtures,
  providerOf,
  providerRequest,
  sourceOf,
} from '../../../support/provider-fixtures.ts'

/** Every recorded request of every provider; a new provider or quirk is a folder, not a test. */
describe.each(providerFixtures())('$provider reads $name', (fixture) => {
  it('as expected', () => {
    expect(read(fixture).map(withoutDetail)).toEqual(fixture.expected)
  })

  it.runIf(fixture.merged)('as the same call in whatever order its legs come', () => {
    const legs = read(fixture).flatMap((verdict) =>
      verdict.kind === 'leg' ? [verdict.held.leg] : [],
    )
    const [first] = fixture.requests
    if (!first) throw new Error('the fixture has no request')
    const { merge } = providerOf(fixture.provider)

    expect(merge?.(legs, sourceOf(fixture, first))).toEqual(fixture.merged)
    expect(merge?.(legs.toReversed(), sourceOf(fixture, first))).toEqual(fixture.merged)
  })
})

function read(fixture: ProviderFixture) {
  return fixture.requests.flatMap((request) =>
    providerOf(fixture.provider).read(providerRequest(request), sourceOf(fixture, request)),
  )
}

/** The detail is prose for the operator; what is promised is the kind and the reason. */
function withoutDetail(verdict: Verdict): Omit<Verdict, 'detail'> {
  return 'detail' in verdict ? { ...verdict, detail: undefined } : verdict
}
