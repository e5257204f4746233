import { describe, expect, it } from 'vitest'
import { DELIVERY_HEADERS } from '../../../../services/console/web/src/screens/developers/delivery-headers.ts'
import { EXAMPLE_EVENTS } from '../../../../services/console/web/src/screens/developers/example-events.ts'
import { EVENT_KINDS } from '../../../../services/shared/call-event.ts'
import {
  createCallEventEncoder,
  readCallEventSchema,
} from '../../../../services/shared/call-event-codec.ts'
import { buildPayload } from '../../../../services/shared/egress/payload.ts'
import { aCallEvent, aConnection, NOON } from '../../../support/builders.ts'

describe('what the page tells developers', () => {
  it('names the headers that a delivery really has', () => {
    const connection = aConnection('ws_1', { passwordHeader: ['authorization', 'Bearer x'] })
    const facts = { sequence: 1, attempt: 1, isReplay: true, now: NOON }

    const { headers } = buildPayload(aCallEvent('ws_1', '1'), connection, facts, 'call-webhook/1')

    const names = headers.filter((_, index) => index % 2 === 0)
    expect(Object.keys(DELIVERY_HEADERS).sort()).toEqual(names.sort())
  })

  it.each(EVENT_KINDS)('shows an example of %s that could have been sent', (kind) => {
    const encoder = createCallEventEncoder(readCallEventSchema(), 1)
    const example = EXAMPLE_EVENTS[kind]

    expect(example.event).toBe(kind)
    expect(encoder.encode(example).length).toBeGreaterThan(100)
    expect(Object.keys(example).sort()).toEqual(Object.keys(aCallEvent('ws_1', '1')).sort())
  })
})
