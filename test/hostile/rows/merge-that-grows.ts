import { post, statusesOf } from '../requests.ts'
import { claim, type Row } from '../row.ts'
import { hangUp } from '../stream-telecom.ts'

const LEGS = 5
const NUMBER_LENGTH = 250_000

/** Each leg is within the limit, and the call that they make was five times as large. */
export const mergeThatGrows: Row = {
  number: 2,
  title: 'legs keep what the merge needs, so that the call of five long ones is delivered',
  async attack(site) {
    const { workspaceId, webhookUrl } = await site.attacker()
    const url = await webhookUrl('stream-telecom')
    const told = []
    for (let leg = 1; leg <= LEGS; leg++) {
      const to = '3'.repeat(NUMBER_LENGTH)
      told.push(await post(url, hangUp({ session: 1, leg, to, isLast: leg === LEGS })))
    }
    const arrived = () => site.receiver.of(workspaceId).length
    await site.receiver.until(() => arrived() > 0, 'the call', 4_000).catch(() => undefined)
    return [
      claim('answers', statusesOf(told), { 200: LEGS }),
      claim('calls that arrived', arrived(), 1),
    ]
  },
}
