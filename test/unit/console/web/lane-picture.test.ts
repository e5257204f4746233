import { describe, expect, it } from 'vitest'
import {
  type Lane,
  type LanePicture,
  pictureOf,
} from '../../../../services/console/web/src/screens/lane/lane-picture.ts'

const next: Lane['next'] = {
  eventId: 'evt_1',
  event: 'call.completed',
  attempt: 2,
  attemptsMax: 9,
  failingSince: '2026-05-28T12:00:00.000Z',
  nextAttemptAt: '2026-05-28T12:10:00.000Z',
  errorClass: 'timeout',
  status: null,
}

describe('picture of a lane', () => {
  it.each<[string, Partial<Lane>, LanePicture]>([
    ['nothing waits', {}, { barrier: 'open', drawn: 0, more: 0 }],
    ['three are on their way', { waiting: 3 }, { barrier: 'open', drawn: 3, more: 0 }],
    [
      'only the failing event waits',
      { state: 'waiting', next, waiting: 1 },
      { barrier: 'waiting', drawn: 0, more: 0 },
    ],
    [
      'many wait behind the failing event',
      { state: 'waiting', next, waiting: 24 },
      { barrier: 'waiting', drawn: 5, more: 18 },
    ],
    [
      'the event that waits is not counted yet',
      { state: 'waiting', next, waiting: 0 },
      { barrier: 'waiting', drawn: 0, more: 0 },
    ],
    [
      'it is disconnected',
      { state: 'stopped', waiting: 6 },
      { barrier: 'closed', drawn: 5, more: 1 },
    ],
  ])('says how it is when %s', (_how, lane, picture) => {
    const flowing: Lane = {
      state: 'flowing',
      next: null,
      waiting: 0,
      waitingIsCapped: false,
      waitingSince: null,
    }

    expect(pictureOf({ ...flowing, ...lane })).toEqual(picture)
  })
})
