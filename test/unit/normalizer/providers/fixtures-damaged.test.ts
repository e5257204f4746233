import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type {
  Json,
  Provider,
  ProviderRequest,
  SourceContext,
} from '../../../../services/normalizer/providers/provider.ts'
import { type CallFacts, identify, PROVIDER_NAMES } from '../../../../services/shared/call-event.ts'
import {
  createCallEventEncoder,
  readCallEventSchema,
} from '../../../../services/shared/call-event-codec.ts'
import {
  providerFixtures,
  providerOf,
  providerRequest,
  sourceOf,
} from '../../../support/provider-fixtures.ts'

const ODD: readonly Json[] = [
  null,
  '',
  'null',
  '-1',
  -1,
  0,
  true,
  1e308,
  '99999999999',
  '2147483647',
  'x'.repeat(5_000),
  '\u202e<"\\',
  [],
  {},
  [[]],
  [null, 1, 'a', {}],
  { constructor: { prototype: 'x' }, toString: 1 },
]

const encoder = createCallEventEncoder(readCallEventSchema(), 1)

/**
 * Whatever stands where a value is expected: a provider answers a verdict, never throws, and what
 * it lets through fits the schema. A webhook that broke this would be answered with an error and
 * sent again for hours.
 */
describe('a damaged request', () => {
  it.each(PROVIDER_NAMES)('of %s is read all the same', { timeout: 30_000 }, (name) => {
    const provider = providerOf(name)
    for (const fixture of providerFixtures().filter((one) => one.provider === name)) {
      const [first] = fixture.requests // The others of a folder differ from it in one value.
      if (!first) continue
      const request = providerRequest(first)
      const source = sourceOf(fixture, first)
      const bodies = [...damage(request.body)].map((body) => ({ ...request, body }))
      const queries = ODD.map((event) => ({ ...request, query: { event } }))
      for (const damaged of [...bodies, ...queries]) check(provider, damaged, source)
    }
  })
})

/** Thousands of requests: asserted without `expect`, which would take half of the time. */
function check(
  provider: Provider<unknown>,
  request: ProviderRequest,
  source: SourceContext<unknown>,
): void {
  const verdicts = provider.read(request, source)
  assert(verdicts.length > 0, 'a request without a verdict would be answered with nothing')
  for (const verdict of verdicts) {
    if (verdict.kind === 'event') publish(verdict.call)
    if (verdict.kind === 'leg' && provider.merge) {
      publish(provider.merge([verdict.held.leg], source))
    }
  }
}

function publish(call: CallFacts): void {
  assert.notEqual(call.providerCallId, '')
  encoder.encode(identify(call, 'ws_42'))
}

/** The value with each of its parts, one at a time, replaced by each odd value. */
function* damage(value: Json): Generator<Json> {
  yield* ODD
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) {
      for (const damaged of damage(entry)) yield value.with(index, damaged)
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      for (const damaged of damage(entry)) yield { ...value, [key]: damaged }
    }
  }
}
