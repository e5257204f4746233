import { faultsIn, inTurns, post, type Told } from '../requests.ts'
import { atMost, claim, type Row } from '../row.ts'

const REQUESTS = 400
/** Deeper than 32 levels: no call can be read from it, and it is kept raw. */
const JUNK = Buffer.alloc(255_000, '{')
const AT_ONCE = 4
/** 50,000,000 bytes a day, and what is under way when they are used up. */
const KEPT_MB_MAX = 49
/** Answers that say so: from then on nothing new is to be learned. */
const ENOUGH = 20
const MB = 1_048_576
/** The second one with 429. */
const REASONS = ['too_deep', 'rejected_bytes']

/** Requests were counted, and their bytes were not. */
export const junkAtFullSpeed: Row = {
  number: 16,
  title: 'a source that sends 100 MB of junk is answered 429 on its way, and little of it is kept',
  async attack(site) {
    const { workspaceId, webhookUrl } = await site.attacker()
    const url = await webhookUrl('ringostat')
    const told: Told[] = []
    const isLimited = () => told.filter(({ status }) => status === 429).length > ENOUGH
    await inTurns([...Array(REQUESTS).keys()], AT_ONCE, async () => {
      if (!isLimited()) told.push(await post(url, JUNK))
    })
    const rejected = await site.view.read(site.view.names.rejected)
    const kept = rejected.filter(({ key }) => key === workspaceId)
    const bytes = kept.reduce((sum, { value }) => sum + value.length, 0)
    return [
      claim('answers that say that we are at fault', faultsIn(told), 0),
      claim('reasons', [...new Set(told.map(({ reason }) => reason))], REASONS),
      atMost('MB that are kept', Math.round(bytes / MB), KEPT_MB_MAX),
    ]
  },
}
