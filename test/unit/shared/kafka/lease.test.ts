import { describe, expect, it } from 'vitest'
import { Lease } from '../../../../services/shared/lease.ts'
import { minutes, seconds } from '../../../support/builders.ts'
import { eventually } from '../../../support/eventually.ts'
import { aKafkaBench } from '../../../support/kafka-bench.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const SESSION_MS = 3_000
/** So much earlier than its session a member stops trusting its place in the group. */
const MARGIN_MS = 1_000
/** Longer than the tick of any clock, and shorter than a client waits for its answer. */
const ANSWER_TAKES_MS = 500

it('a lease counts from when the heartbeat was sent, however late its answer comes', async () => {
  const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 1 } })
  const { consumer } = await aConsumer({ sessionTimeoutMs: SESSION_MS })
  await eventually(() => expect(consumer.isInLease).toBe(true))
  const late = kafka.holdAnswers(({ api }) => api === 'Heartbeat')
  await late.held
  const sentAt = performance.now()
  kafka.holdRequests(({ api }) => api === 'Heartbeat')
  const passes = (ms: number) =>
    eventually(() => expect(performance.now()).toBeGreaterThan(sentAt + ms))

  await passes(ANSWER_TAKES_MS)
  late.release()
  await passes(SESSION_MS - MARGIN_MS)

  expect(consumer.isInLease).toBe(false)
})

function aLease() {
  const clock = new ManualClock()
  const lease = new Lease(clock, seconds(25))
  const beat = () => lease.renew(lease.now())
  return { clock, lease, beat }
}

describe('a lease', () => {
  it('is not held before the first heartbeat, and then until its time is over', async () => {
    const { clock, lease, beat } = aLease()
    expect(lease.isHeld).toBe(false)

    beat()
    await clock.pass(seconds(25) - 1)
    expect(lease.isHeld).toBe(true)
    await clock.pass(1)

    expect(lease.isHeld).toBe(false)
  })

  it('is over in time although the wall clock was set back ten minutes', async () => {
    const { clock, lease, beat } = aLease()
    clock.step(minutes(10))
    beat()
    clock.step(-minutes(10))
    await clock.pass(seconds(25))

    expect(lease.isHeld).toBe(false)
    await clock.pass(minutes(10) - seconds(20))
    // The wall clock alone would say that the heartbeat was sent five seconds ago.
    expect(lease.isHeld).toBe(false)
  })

  it('is over after a suspension, in which only the wall clock went on', () => {
    const { clock, lease, beat } = aLease()
    beat()
    clock.step(minutes(1))

    expect(lease.isHeld).toBe(false)
  })

  it('is held again with the next heartbeat, wherever the wall clock stands', () => {
    const { clock, lease, beat } = aLease()
    beat()
    for (const step of [minutes(10), -minutes(30)]) {
      clock.step(step)
      expect(lease.isHeld).toBe(false)
      beat()
      expect(lease.isHeld).toBe(true)
    }
  })
})
