import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'

const TIMES = { timeout: 45_000 }
const WITHIN_MS = 10_000
const READ = ['calls/0 a', 'calls/0 b', 'calls/0 c']

/*
 * What customers would have seen: first nothing more, then every call of the last seven days again. A
 * broker whose network fails towards the other brokers leads on in its own eyes. It answers whoever
 * reads from it, and never has anything new. And its log ends early: whoever comes to it later finds
 * that the log has gone back, and a log that has gone back is read from its start.
 *
 * Timeline   broker 1    leads calls/0 with a b, which we read; it is cut off from the others
 *            broker 2    leads calls/0 with a b c
 *            reader      is there more? broker 1: no
 *            broker 2    hands over to broker 3
 *            reader      who leads now? broker 1: I do, and my log ends at 2
 *
 * Proves     most of the brokers are believed, not the one that answers.
 */
it('a broker without contact holds up nothing, and nothing comes again', TIMES, async () => {
  const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 1 } })
  kafka.append('calls', 0, { value: 'a' }, { value: 'b' })
  const { owner } = await aConsumer({ lookEveryMs: 200 })
  await eventually(() => expect(owner.taken).toEqual(READ.slice(0, 2)), WITHIN_MS)

  kafka.cutOff(1)
  kafka.moveLeader('calls', 0, 2)
  kafka.append('calls', 0, { value: 'c' })
  await eventually(() => expect(owner.taken).toEqual(READ), WITHIN_MS)

  // Until the others answer again, broker 1 is the only one to be asked.
  const hold = kafka.holdRequests(({ api, broker }) => api === 'Metadata' && broker !== 1)
  const questions = () => kafka.requests.filter(({ broker }) => broker === 1).length
  const before = questions()
  kafka.moveLeader('calls', 0, 3)
  await eventually(() => expect(questions()).toBeGreaterThan(before + 8), WITHIN_MS)
  expect(owner.offered).toEqual(READ)

  hold.release()
  kafka.append('calls', 0, { value: 'd' })
  await eventually(() => expect(owner.offered).toEqual([...READ, 'calls/0 d']), WITHIN_MS)
})
