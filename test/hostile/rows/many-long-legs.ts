import { faultsIn, inTurns, post } from '../requests.ts'
import { atMost, claim, type Row } from '../row.ts'
import { hangUp } from '../stream-telecom.ts'
import { watchVitals } from '../vitals.ts'

const SESSIONS = 3
const LEGS = 200
/** With what is around it, just below 256 KB. */
const LONG_NUMBER = '3'.repeat(260_000)
const LAG_MS = 50

/** All legs of a session came into memory at once. */
export const manyLongLegs: Row = {
  number: 5,
  title: 'sessions of 200 legs of 256 KB are bounded when they are stored',
  isLong: true,
  async attack(site) {
    const { webhookUrl } = await site.attacker()
    const url = await webhookUrl('stream-telecom')
    const watch = await watchVitals(site.normalizer, site.port('NORMALIZER'))
    const legs = Array.from({ length: SESSIONS * LEGS }, (_, index) => index)
    const told = await inTurns(legs, 4, (leg) => {
      const session = leg % SESSIONS
      const isLast = leg >= SESSIONS * (LEGS - 1)
      return post(url, hangUp({ session, leg, isLast, to: LONG_NUMBER }))
    })
    await site.calm(5_000)
    const { loopLagP99Ms, rssBeforeMb, rssMostMb } = await watch.stop()
    return [
      claim('answers that say that we are at fault', faultsIn(told), 0),
      atMost('loop lag p99, ms', loopLagP99Ms ?? Infinity, LAG_MS),
      atMost('memory that it took, MB', rssMostMb - rssBeforeMb, 200),
    ]
  },
}
