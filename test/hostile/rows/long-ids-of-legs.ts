import { randomBytes } from 'node:crypto'
import { inTurns, post, statusesOf } from '../requests.ts'
import { claim, type Row } from '../row.ts'
import { hangUp } from '../stream-telecom.ts'

const LEGS = 400
/** Too long for a row of an index, and random, or Postgres would make it short. */
const longId = () => randomBytes(2_000).toString('hex')
const BAD_EVERY = 10

/** One statement stores the legs of everybody who sends in the same moment. */
export const longIdsOfLegs: Row = {
  number: 6,
  title: 'an id of 4,000 characters is refused alone, and 400 legs of another workspace are held',
  async attack(site) {
    const [attacker, other] = [await site.attacker(), await site.newcomer()]
    const [bad, good] = [
      await attacker.webhookUrl('stream-telecom'),
      await other.webhookUrl('stream-telecom'),
    ]
    const legs = Array.from({ length: LEGS }, (_, leg) => leg)
    const attacks: ReturnType<typeof post>[] = []
    const told = await inTurns(legs, 20, (leg) => {
      const ids = leg % 2 === 0 ? { session: longId(), leg } : { session: leg, leg: longId() }
      if (leg % BAD_EVERY < 2) attacks.push(post(bad, hangUp({ ...ids, isLast: true })))
      return post(good, hangUp({ session: leg, leg, isLast: true }))
    })
    const refused = await Promise.all(attacks)
    return [
      claim('answers to the other', statusesOf(told), { 200: LEGS }),
      claim('answers to the attacker', statusesOf(refused), { 422: attacks.length }),
      claim('reasons', [...new Set(refused.map(({ reason }) => reason))], ['unusable_id']),
    ]
  },
}
