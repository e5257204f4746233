import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createRecordingChecks } from '../../../../services/normalizer/recordings/recording-checks.ts'
import { createDatabaseGuard } from '../../../../services/shared/postgres/database-guard.ts'
import { recordingCheckPlace } from '../../../../services/shared/sealed-places.ts'
import { box, callFacts, quiet } from '../../../support/normalizer-fakes.ts'

const FULL = 200_000
/** With which the first claim asks: nothing is under way. */
const LOOKS_MAX = 40
const late = callFacts({
  provider: 'phonet',
  recordingStatus: 'pending',
  recordingUrl: 'https://files.example/1.mp3',
})

const HANGING = {
  callId: 'call_0',
  provider: 'phonet',
  workspaceId: 'ws_hostile',
  host: 'files.example',
  eventSealed: box.seal(JSON.stringify(late), recordingCheckPlace('call_0')),
  looks: 0,
} as const

/** The first count finds the table full, later ones find it empty; looks never come to an end. */
function setUp() {
  let now = 0
  let counts = 0
  const planned: string[] = []
  const outcomes: string[] = []
  const clock = { now: () => now, sleep: () => new Promise<void>(() => undefined) }
  const checks = createRecordingChecks({
    store: {
      async plan({ callId }) {
        planned.push(callId)
        return true
      },
      claimDue: async ({ limit }) => (limit === LOOKS_MAX ? [HANGING] : []),
      postpone: async () => undefined,
      remove: async () => true,
      count: async () => (counts++ === 0 ? FULL : 0),
    },
    look: () => new Promise(() => undefined),
    publisher: { publish: async ({ eventId }) => ({ kind: 'published', eventId }) },
    box,
    delaysMs: [60_000],
    allowHttp: false,
    onOutcome: (_, outcome) => outcomes.push(outcome),
    guard: createDatabaseGuard({ clock, logger: quiet }),
    clock,
    logger: quiet,
  })
  // Under way for as long as the test.
  void checks.lookForDue()
  const tell = (callId: string) =>
    checks.published({ ...late, eventId: 'evt_1', workspaceId: 'ws_1', callId })
  const wait = (ms: number) => {
    now += ms
  }
  return { tell, planned, outcomes, wait }
}

it('are planned again a minute after their table was full, whether or not looks come to an end', async () => {
  const { tell, planned, outcomes, wait } = setUp()
  await setImmediate() // The first claim is asked for.

  await tell('call_1')
  await tell('call_2')
  wait(60_000)
  await tell('call_3')

  expect(planned).toEqual(['call_3'])
  expect(outcomes).toEqual(['not_planned', 'not_planned'])
})
