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
describe('recorded provider requests', () => {
  it.each(providerFixtures())('$provider: $name', (fixture) => {
    expect(read(fixture).map(withoutDetail)).toEqual(fixture.expected)
  })

  it.each(providerFixtures().filter(({ merged }) => merged))(
    '$provider: $name is the same call in whatever order its legs come',
    (fixture) => {
      const legs = read(fixture).flatMap((verdict) =>
        verdict.kind === 'leg' ? [verdict.held.leg] : [],
      )
      const [first] = fixture.requests
      if (!first) throw new Error('the fixture has no request')
      const { merge } = providerOf(fixture.provider)

      expect(merge?.(legs, sourceOf(fixture, first))).toEqual(fixture.merged)
      expect(merge?.(legs.toReversed(), sourceOf(fixture, first))).toEqual(fixture.merged)
    },
  )
})

function read(fixture: ProviderFixture): readonly Verdict[] {
  return fixture.requests.flatMap((request) =>
    providerOf(fixture.provider).read(providerRequest(request), sourceOf(fixture, request)),
  )
}

/** The detail is prose for the operator; what is promised is the kind and the reason. */
function withoutDetail(verdict: Verdict): object {
  return 'detail' in verdict ? { ...verdict, detail: undefined } : verdict
}
