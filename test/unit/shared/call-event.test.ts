import { describe, expect, it } from 'vitest'
import { type CallFacts, identify, untold } from '../../../services/shared/call-event.ts'

const facts: CallFacts = untold('call.completed', 'binotel', '4683310794')
const event = identify(facts, 'kyiv')

describe('ids of an event', () => {
  it('are the same for a webhook that the provider sends again, on any machine', () => {
    expect(identify({ ...facts }, 'kyiv')).toEqual(event)
    expect(event.eventId).toMatch(/^evt_[0-9a-f]{32}$/)
    expect(event.callId).toMatch(/^call_[0-9a-f]{32}$/)
  })

  it('do not depend on what else is told: a corrected name is still the same call', () => {
    const corrected = identify({ ...facts, group: '801', status: 'answered' }, 'kyiv')

    expect(corrected).toMatchObject({ eventId: event.eventId, callId: event.callId })
  })

  it.each([
    ['workspace', identify(facts, 'lviv')],
    ['provider', identify({ ...facts, provider: 'phonet' }, 'kyiv')],
    ['call', identify({ ...facts, providerCallId: '4683310795' }, 'kyiv')],
  ])('differ by %s, both of them', (_part, other) => {
    expect(other.eventId).not.toBe(event.eventId)
    expect(other.callId).not.toBe(event.callId)
  })

  it.each([
    ['kind', identify({ ...facts, event: 'call.recording_ready' }, 'kyiv')],
    ['revision', identify(facts, 'kyiv', 2)],
  ])('differ by %s for the event, and stay the same for the call', (_part, other) => {
    expect(other.eventId).not.toBe(event.eventId)
    expect(other.callId).toBe(event.callId)
  })

  it('do not run together where parts meet', () => {
    const one = identify({ ...facts, providerCallId: '1' }, 'ws1')
    const other = identify({ ...facts, providerCallId: '11' }, 'ws')

    expect(one.callId).not.toBe(other.callId)
  })
})

describe('event of which nothing is told', () => {
  it('says so everywhere: null or none, never an invented value', () => {
    const { event: _, provider: __, providerCallId: ___, ...rest } = facts

    const told = Object.entries(rest).filter(([, value]) => !isUntold(value))

    expect(told).toEqual([])
  })
})

function isUntold(value: unknown): boolean {
  if (value === null || value === false || value === 'none') return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.values(value).every(isUntold)
}
