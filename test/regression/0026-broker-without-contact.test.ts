import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'

const READ = ['calls/0 a', 'calls/0 b', 'calls/0 c']

/*
 * What customers would have seen: every call of the last seven days once more. A broker whose network
 * fails towards the other brokers leads on in its own eyes, with a log that ends early. Read from
 * there, the log has gone back, and a log that has gone back is read from its start.
 *
 * Timeline   broker 1    leads calls/0 with a b; cut off from the others
 *            broker 2    leads calls/0 with a b c; hands over to broker 3
 *            reader      who leads now? broker 1: I do, and my log ends at 2
 *
 * Proves     it takes most of the brokers to believe that a log has gone back.
 */
it('nothing comes again when a broker without contact calls itself the leader', {
  timeout: 15_000,
}, async () => {
  const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 1 } })
  kafka.append('calls', 0, { value: 'a' }, { value: 'b' })
  kafka.cutOff(1)
  kafka.moveLeader('calls', 0, 2)
  kafka.append('calls', 0, { value: 'c' })
  const { owner } = await aConsumer()
  await eventually(() => expect(owner.taken).toEqual(READ), 6_000)

  // Until these two answer again, broker 1 is the only one to be asked.
  const hold = kafka.holdRequests(({ api, broker }) => api === 'Metadata' && broker !== 1)
  const questions = () => kafka.requests.filter(({ broker }) => broker === 1).length
  const before = questions()
  kafka.moveLeader('calls', 0, 3)
  await eventually(() => expect(questions()).toBeGreaterThan(before + 8), 6_000)
  expect(owner.offered).toEqual(READ)

  hold.release()
  kafka.append('calls', 0, { value: 'd' })
  await eventually(() => expect(owner.offered).toEqual([...READ, 'calls/0 d']), 8_000)
})
