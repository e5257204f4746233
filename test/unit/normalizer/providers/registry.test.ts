import { describe, expect, it } from 'vitest'
import type {
  Json,
  JsonObject,
  ProviderRequest,
} from '../../../../services/normalizer/providers/provider.ts'
import { findProvider, providers } from '../../../../services/normalizer/providers/registry.ts'
import { identify, PROVIDER_NAMES } from '../../../../services/shared/call-event.ts'
import {
  createCallEventEncoder,
  readCallEventSchema,
} from '../../../../services/shared/call-event-codec.ts'
import {
  type ProviderFixture,
  providerFixtures,
  providerOf,
  providerRequest,
  sourceOf,
} from '../../../support/provider-fixtures.ts'

/** What a broken sender or an attacker with a valid address may put in the place of any value. */
const HOSTILE: readonly Json[] = [
  null,
  '',
  'null',
  -1,
  0,
  true,
  4_102_444_799,
  946_684_801_000,
  1e308,
  '9'.repeat(400),
  '<'.repeat(2_000),
  '9 '.repeat(1_000),
  '\u0000\uFFFD😀',
  '2026-02-30 25:61:61',
  [],
  [[]],
  [null, 'x', {}],
  {},
  { '0': {}, x: [{}] },
]

const encoder = createCallEventEncoder(readCallEventSchema(), 1)

describe('registry', () => {
  it.each(PROVIDER_NAMES)('finds %s under the name that its address has', (name) => {
    expect(findProvider(name)?.name).toBe(name)
  })

  it.each(['', 'Phonet', 'constructor', '__proto__', 'toString'])('finds nothing as %j', (name) => {
    expect(findProvider(name)).toBeNull()
  })

  it.each(PROVIDER_NAMES)('accepts a source of %s without any settings', (name) => {
    expect(providers[name].settings.safeParse({}).success).toBe(true)
  })
})

describe.each(PROVIDER_NAMES)('%s, whatever it is sent', (name) => {
  // The vendors' own samples (`p4-…`) have every field; the other cases are variations of them.
  const fixtures = providerFixtures().filter(
    (fixture) => fixture.provider === name && /^[a-z]\d/.test(fixture.name),
  )

  it('answers every body that is no object with verdicts', () => {
    for (const request of fixtures.flatMap(plainRequests)) {
      for (const body of HOSTILE) expectVerdicts(fixtures, { ...request, query: {}, body })
    }
  })

  it('makes only events that can be published of samples with any one value replaced', () => {
    for (const request of fixtures.flatMap(plainRequests)) {
      for (const body of withOneReplaced(request.body)) {
        expectVerdicts(fixtures, { ...request, body })
      }
    }
  })
})

function plainRequests(fixture: ProviderFixture): readonly ProviderRequest[] {
  return fixture.requests.map(providerRequest)
}

/** Reads with plain settings, merges what is to be merged, and encodes what comes out. */
function expectVerdicts(fixtures: readonly ProviderFixture[], request: ProviderRequest): void {
  const [fixture] = fixtures
  const [first] = fixture?.requests ?? []
  if (!fixture || !first) throw new Error('the provider has no fixture')
  const source = sourceOf(fixture, { ...first, settings: {} })
  const provider = providerOf(fixture.provider)

  const verdicts = provider.read(request, source)

  expect(verdicts.length).toBeGreaterThan(0)
  for (const verdict of verdicts) {
    if (verdict.kind === 'event') encoder.encode(identify(verdict.call, 'ws_1'))
    if (verdict.kind === 'leg') {
      const call = provider.merge?.([verdict.held.leg], source)
      if (call) encoder.encode(identify(call, 'ws_1'))
    }
  }
}

/** Each copy of the value has one of its parts, at any depth, replaced by one hostile value. */
function* withOneReplaced(value: Json): Generator<Json> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, part] of Object.entries(value)) {
    for (const hostile of HOSTILE) yield replaced(value, key, hostile)
    for (const inner of withOneReplaced(part)) yield replaced(value, key, inner)
  }
}

function replaced(value: readonly Json[] | JsonObject, key: string, part: Json): Json {
  if (Array.isArray(value))
    return value.map((entry, index) => (String(index) === key ? part : entry))
  return { ...value, [key]: part }
}
