import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { LookForFile } from '../../../../services/normalizer/recordings/look-for-file.ts'
import { createRecordingChecks } from '../../../../services/normalizer/recordings/recording-checks.ts'
import { createDatabaseGuard } from '../../../../services/shared/postgres/database-guard.ts'
import { RowRefusedError } from '../../../../services/shared/postgres/refused-rows.ts'
import { recordingCheckPlace } from '../../../../services/shared/sealed-places.ts'
import { box, callFacts, quiet } from '../../../support/normalizer-fakes.ts'

const FULL = 200_000
const late = callFacts({
  provider: 'phonet',
  recordingStatus: 'pending',
  recordingUrl: 'https://files.example/1.mp3',
})

const CHECK = {
  callId: 'call_0',
  provider: 'phonet',
  workspaceId: 'ws_hostile',
  host: 'files.example',
  eventSealed: box.seal(JSON.stringify(late), recordingCheckPlace('call_0')),
  looks: 0,
} as const

/** The first count finds the table full, later ones find it empty; Postgres refuses each event. */
function setUp(look: LookForFile) {
  let now = 0
  let counts = 0
  let isClaimed = false
  const planned: string[] = []
  const removed: string[] = []
  const outcomes: string[] = []
  const clock = {
    now: () => now,
    elapsed: () => now,
    sleep: () => new Promise<void>(() => undefined),
  }
  const checks = createRecordingChecks({
    store: {
      async plan({ callId }) {
        planned.push(callId)
        return true
      },
      async claimDue() {
        const due = isClaimed ? [] : [CHECK]
        isClaimed = true
        return due
      },
      postpone: async () => undefined,
      async remove(callId) {
        removed.push(callId)
        return true
      },
      count: async () => (counts++ === 0 ? FULL : 0),
    },
    look,
    publisher: { publish: () => Promise.reject(new RowRefusedError('constraint', '23502')) },
    box,
    delaysMs: [60_000],
    allowHttp: false,
    onOutcome: (_, outcome) => outcomes.push(outcome),
    guard: createDatabaseGuard({ clock, logger: quiet }),
    clock,
    logger: quiet,
  })
  const tell = (callId: string) =>
    checks.published({ ...late, eventId: 'evt_1', workspaceId: 'ws_1', callId })
  const wait = (ms: number) => {
    now += ms
  }
  return { checks, tell, planned, removed, outcomes, wait }
}

it('are planned again a minute after their table was full, whether or not looks come to an end', async () => {
  const { checks, tell, planned, outcomes, wait } = setUp(() => new Promise(() => undefined))
  void checks.lookForDue() // Under way for as long as the test.
  await setImmediate() // The first claim is asked for.

  await tell('call_1')
  await tell('call_2')
  wait(60_000)
  await tell('call_3')

  expect(planned).toEqual(['call_3'])
  expect(outcomes).toEqual(['not_planned', 'not_planned'])
})

it('are given up whose notice nobody takes for what it is', async () => {
  const contentType = 'audio/mpeg'
  const found = { kind: 'answered', status: 200, contentType, length: 1_000 } as const
  const { checks, removed, outcomes } = setUp(async () => found)

  await checks.lookForDue()

  expect(outcomes).toEqual(['given_up'])
  expect(removed).toEqual([CHECK.callId])
})
