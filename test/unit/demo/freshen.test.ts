import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../../services/normalizer/providers/provider.ts'
import type { CallFacts } from '../../../services/shared/call-event.ts'
import { type FreshCall, freshen } from '../../demo/freshen.ts'
import { CASES } from '../../demo/workspaces.ts'
import {
  type ProviderFixture,
  providerFixtures,
  providerOf,
  providerRequest,
  sourceOf,
} from '../../support/provider-fixtures.ts'

const STARTS_AT = Date.parse('2026-11-24T10:00:00Z')
const CASES_OF_CALLS = providerFixtures().filter(({ provider, name }) =>
  CASES[provider].includes(name),
)

describe('a freshened call', () => {
  it.each(CASES_OF_CALLS)('$provider: $name makes the events that were foretold', (fixture) => {
    const call = freshen(fixture, { serial: 42, startsAt: STARTS_AT })

    const made = new Set(
      factsOf(fixture, call).map(({ event, providerCallId }) => event + providerCallId),
    )
    expect([...made]).toEqual(
      call.events.map(({ event, providerCallId }) => event + providerCallId),
    )
  })

  it.each(CASES_OF_CALLS)('$provider: $name begins now and is otherwise the same', (fixture) => {
    const recorded = factsOf(fixture, { ...fixture, requests: fixture.requests })

    const fresh = factsOf(fixture, freshen(fixture, { serial: 42, startsAt: STARTS_AT }))

    expect(fresh.map(shape)).toEqual(recorded.map(shape))
    for (const { startedAt } of fresh) expect(Date.parse(startedAt ?? '')).toBe(STARTS_AT)
  })

  it.each(CASES_OF_CALLS)('$provider: $name shares no id and no client with another', (fixture) => {
    const [one, other] = [1, 2].map((serial) =>
      factsOf(fixture, freshen(fixture, { serial, startsAt: STARTS_AT })),
    )

    for (const [index, facts] of (one ?? []).entries()) {
      expect(other?.[index]?.providerCallId).not.toBe(facts.providerCallId)
      if (facts.client.number !== null) {
        expect(other?.[index]?.client.number).not.toBe(facts.client.number)
      }
    }
  })

  it('counts a webhook that the provider repeats as one event', () => {
    const fixture = caseOf('ringostat', 'r10-processed-by-ai')

    const call = freshen(fixture, { serial: 0, startsAt: STARTS_AT })

    expect(call.requests).toHaveLength(3)
    expect(call.events).toHaveLength(1)
  })

  it('expects nothing of a call that still rings', () => {
    const call = freshen(caseOf('unitalk', 'u2-new-incoming'), { serial: 0, startsAt: STARTS_AT })

    expect(call.events).toEqual([])
  })

  it('expects one event of a call that is told in parts', () => {
    const fixture = caseOf('stream-telecom', 't8-queue-loser-and-closing-leg')

    const call = freshen(fixture, { serial: 0, startsAt: STARTS_AT })

    expect(call).toMatchObject({ isSession: true, events: [{ event: 'call.completed' }] })
  })
})

function caseOf(provider: ProviderFixture['provider'], name: string): ProviderFixture {
  const found = providerFixtures().find((one) => one.provider === provider && one.name === name)
  if (!found) throw new Error(`there is no ${provider}/${name}`)
  return found
}

/** What the provider's mapping reads in the requests, legs merged. */
function factsOf(
  fixture: ProviderFixture,
  { requests }: Pick<FreshCall, 'requests'>,
): readonly CallFacts[] {
  const provider = providerOf(fixture.provider)
  const [first] = fixture.requests
  if (!first) throw new Error('the fixture has no request')
  const verdicts: readonly Verdict[] = requests.flatMap((request) =>
    provider.read(providerRequest(request), sourceOf(fixture, request)),
  )
  const legs = verdicts.flatMap((verdict) => (verdict.kind === 'leg' ? [verdict.held.leg] : []))
  const merged = legs.length > 0 ? provider.merge?.(legs, sourceOf(fixture, first)) : undefined
  const calls = verdicts.flatMap((verdict) => (verdict.kind === 'event' ? [verdict.call] : []))
  return merged ? [...calls, merged] : calls
}

/** Everything that must survive. */
function shape(facts: CallFacts): object {
  const { event, direction, status, statusDetail, duration, talkDuration, waitDuration } = facts
  const { agent, line, group, legs, callback, transferred, recordingStatus } = facts
  return {
    ...{ event, direction, status, statusDetail, duration, talkDuration, waitDuration },
    ...{ agent, line, group, legs, callback, transferred, recordingStatus },
    clientName: facts.client.name,
  }
}
