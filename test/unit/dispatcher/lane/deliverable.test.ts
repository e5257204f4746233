import { describe, expect, it } from 'vitest'
import {
  isWorkspaceId,
  whyUndeliverable,
} from '../../../../services/dispatcher/lane/deliverable.ts'
import type { CallEvent } from '../../../../services/shared/call-event.ts'
import { aCallEvent } from '../../../support/builders.ts'

/** As a schema of somebody else may yield it. */
function anEvent(overrides: Readonly<Record<string, unknown>>): CallEvent {
  return { ...aCallEvent('kyiv', '1'), ...(overrides as Partial<CallEvent>) }
}

describe('an event of the log', () => {
  it.each([
    ['of our own', {}],
    ['of a kind that this release does not know', { event: 'call.rated' }],
    ['whose client has no number', { client: { number: null, name: null, isNew: null } }],
    ['with a text that has a NUL, which JSON escapes', { caller: '+38\0' }],
  ])('%s can be delivered', (_, overrides) => {
    expect(whyUndeliverable(anEvent(overrides))).toBeNull()
  })

  it.each([
    ['an id with a NUL', { eventId: 'a\0' }, 'event_id'],
    ['an id with a line break', { eventId: 'a\nb' }, 'event_id'],
    ['an id with a space', { eventId: 'a b' }, 'event_id'],
    ['an id that no header holds', { eventId: 'ї' }, 'event_id'],
    ['an id of 256 characters', { eventId: 'a'.repeat(256) }, 'event_id'],
    ['no id', { eventId: undefined }, 'event_id'],
    ['a number for an id', { eventId: 7 }, 'event_id'],
    ['a kind with a NUL', { event: 'call.\0' }, 'event_kind'],
    ['no client', { client: undefined }, 'client'],
    ['a client that is none', { client: null }, 'client'],
    ['a client that has no number at all', { client: {} }, 'client'],
    ['a number that is no text', { client: { number: 380 } }, 'client'],
  ])('with %s cannot', (_, overrides, reason) => {
    expect(whyUndeliverable(anEvent(overrides))).toBe(reason)
  })
})

describe('the key of a record', () => {
  it.each(['kyiv', 'ws_1-A', 'львів', 'a'.repeat(255)])('may be the workspace %s', (key) => {
    expect(isWorkspaceId(key)).toBe(true)
  })

  it.each([['empty', ''], ['a\0b'], ['a\nb'], ['a\u2028b'], ['long', 'a'.repeat(256)]])(
    'is no workspace: %s',
    (...[name, key = name]) => {
      expect(isWorkspaceId(key)).toBe(false)
    },
  )
})
