import { inTurns, post, statusesOf } from '../requests.ts'
import { claim, type Row } from '../row.ts'
import { hangUp } from '../stream-telecom.ts'

const SESSIONS = 3
const LEGS = 200
/** With what is around it, just below 256 KB. */
const LONG_NUMBER = '3'.repeat(260_000)

/** All legs of a session came into memory at once. */
export const manyLongLegs: Row = {
  number: 5,
  title: 'sessions of 200 legs of 256 KB are bounded when they are stored',
  isLong: true,
  // 150 MB: not the bytes of a minute are to be met here, but the bounds of a session.
  env: { NORMALIZER_SOURCE_BYTES_PER_MINUTE: '200000000' },
  bounds: { loopLagP99Ms: 50, memoryMb: 200 },
  async attack(site) {
    const { workspaceId, webhookUrl } = await site.attacker()
    const url = await webhookUrl('stream-telecom')
    const legs = Array.from({ length: SESSIONS * LEGS }, (_, index) => index)
    const told = await inTurns(legs, 4, (leg) => {
      const session = leg % SESSIONS
      const isLast = leg >= SESSIONS * (LEGS - 1)
      return post(url, hangUp({ session, leg, isLast, to: LONG_NUMBER }))
    })
    const arrived = () => site.receiver.of(workspaceId).length
    await site.receiver.until(() => arrived() >= SESSIONS, 'the calls', 5_000).catch(() => null)
    return [
      claim('answers', statusesOf(told), { 200: SESSIONS * LEGS }),
      claim('calls that arrived', arrived(), SESSIONS),
    ]
  },
}
