import { expect, it } from 'vitest'
import { liveness } from '../../../../services/dispatcher/lane/liveness.ts'
import { minutes, NOON, seconds } from '../../../support/builders.ts'

it.each([
  // By the clocks, since nothing else is known.
  ['live', { laterMs: 0, connectedOffset: null }],
  ['live', { laterMs: -seconds(5), connectedOffset: null }],
  ['in_doubt', { laterMs: -seconds(6), connectedOffset: null }],
  ['in_doubt', { laterMs: -minutes(10), connectedOffset: null }],
  ['historic', { laterMs: -minutes(11), connectedOffset: null }],
  // By the offset (the event has 7), whatever the clocks say.
  ['live', { laterMs: -minutes(1), connectedOffset: 7 }],
  ['live', { laterMs: -minutes(60), connectedOffset: 7 }],
  ['historic', { laterMs: minutes(1), connectedOffset: 8 }],
  ['historic', { laterMs: -minutes(1), connectedOffset: 8 }],
  // Of a log that was made anew under the same name.
  ['live', { laterMs: minutes(11), connectedOffset: 8 }],
] as const)('an event is %s: %o', (expected, { laterMs, connectedOffset }) => {
  const event = { offset: 7, acceptedAt: NOON + laterMs }

  expect(liveness(event, { connectedAt: NOON, connectedOffset })).toBe(expected)
})
