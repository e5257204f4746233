import { faultsIn, inTurns, post, type Told } from '../requests.ts'
import { atMost, claim, type Row } from '../row.ts'

const REQUESTS = 400
/** No JSON: it is kept raw. */
const JUNK = Buffer.alloc(255_000, '{')
const KEPT_MB_MAX = 60
/** Answers that say so: from then on nothing new is to be learned. */
const ENOUGH = 20
const MB = 1_048_576

/** Requests were counted, and their bytes were not. */
export const junkAtFullSpeed: Row = {
  number: 16,
  title: 'a source that sends 100 MB of junk is answered 429 on its way, and little of it is kept',
  async attack(site) {
    const { webhookUrl } = await site.attacker()
    const url = await webhookUrl('ringostat')
    const told: Told[] = []
    const isLimited = () => told.filter(({ status }) => status === 429).length > ENOUGH
    await inTurns([...Array(REQUESTS).keys()], 4, async () => {
      if (!isLimited()) told.push(await post(url, JUNK))
    })
    const kept = await site.view.read(site.view.names.rejected)
    const bytes = kept.reduce((sum, { value }) => sum + value.length, 0)
    return [
      claim('answers that say that we are at fault', faultsIn(told), 0),
      claim(
        '429 on the way',
        told.some(({ status }) => status === 429),
        true,
      ),
      atMost('MB that are kept', Math.round(bytes / MB), KEPT_MB_MAX),
    ]
  },
}
