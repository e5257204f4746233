import { afterEach, beforeEach, expect, it } from 'vitest'
import { Secret } from '../../../../services/shared/config.ts'
import { type Listener, startListener } from '../../../../services/shared/postgres/notifications.ts'
import { quiet, seconds } from '../../../support/builders.ts'
import { eventually } from '../../../support/eventually.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { SilentPostgres } from '../../../support/silent-postgres.ts'

let server: SilentPostgres
let clock: ManualClock
let listener: Listener | undefined
let gaps = 0

beforeEach(async () => {
  server = await new SilentPostgres().start()
  clock = new ManualClock()
  gaps = 0
})

afterEach(async () => {
  await listener?.stop()
  await server.stop()
})

function listen(): void {
  listener = startListener({
    databaseUrl: new Secret(server.url),
    channel: 'changes',
    onNotification: () => undefined,
    onGap: () => gaps++,
    clock,
    logger: quiet,
    // Short, and long enough for a machine that is busy.
    answerWithinMs: 1_500,
  })
}

/** It listens, and its next look at the connection is set. */
async function untilListening(times: number): Promise<void> {
  await eventually(() =>
    expect({ gaps, sleepers: clock.sleepers }).toEqual({ gaps: times, sleepers: 1 }),
  )
}

it('looks every ten seconds whether the connection still answers', async () => {
  listen()
  await untilListening(1)

  await clock.pass(seconds(10))
  await untilListening(1)
  await clock.pass(seconds(10))
  await untilListening(1)

  expect(server.statements).toEqual(['listen "changes"', 'select 1', 'select 1'])
})

it('renews a connection that has gone silent, and says that something may have been missed', async () => {
  listen()
  await untilListening(1)

  server.isSilent = true
  await clock.pass(seconds(10))
  await eventually(() => expect(server.clients).toBe(0))
  server.isSilent = false
  await eventually(() => expect(clock.sleepers).toBe(1))
  await clock.pass(seconds(1))

  await untilListening(2)
})

it('gives up connecting to a server that says nothing, and tries again', async () => {
  server.isSilent = true
  listen()
  await eventually(() => expect(clock.sleepers).toBe(1))
  expect(gaps).toBe(0)

  server.isSilent = false
  await clock.pass(seconds(1))

  await untilListening(1)
})

it('stops without waiting for a silent server to hang up', async () => {
  listen()
  await untilListening(1)
  server.isSilent = true

  await listener?.stop()

  await eventually(() => expect(server.clients).toBe(0))
  expect(clock.sleepers).toBe(0)
})
