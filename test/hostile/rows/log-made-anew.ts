import { readFileSync } from 'node:fs'
import { eventually } from '../../support/eventually.ts'
import { metricSum } from '../../support/metric-sum.ts'
import { callOf } from '../../support/provider-calls.ts'
import { post, statusesOf } from '../requests.ts'
import { claim, type Row } from '../row.ts'
import type { Site } from '../site.ts'

const CALLS = 21
const PARTITIONS = 2
const BEYOND_THE_END = 1_000
const FIRST_NUMBER = 810_000
/** The dispatchers look for changed topics every ten seconds. */
const WITHIN_MS = 15_000

let nextNumber = FIRST_NUMBER

/** The next record lies before the offset that a dispatcher waits for, which never comes. */
export const logMadeAnew: Row = {
  number: 12,
  title: 'a log that is deleted and made anew is noticed, told, and read from its first record',
  isLast: true,
  isLong: true,
  // While there is no topic their calls wait in the spool: what is judged is what comes after.
  spares: [],
  async attack(site) {
    await site.foreigner.makeAnew(PARTITIONS)
    return judgeAnewLog(site)
  },
  /** While no dispatcher runs, as an unclean election does it: what is committed lies beyond the end. */
  async afterwards(site) {
    await site.stop('dispatcher')
    await site.foreigner.makeAnew(PARTITIONS)
    const groupId = `${site.product.env['TOPIC_PREFIX']}.dispatcher`
    await site.foreigner.commit(groupId, PARTITIONS, BEYOND_THE_END)
    await site.startAgain('dispatcher')
    return (await judgeAnewLog(site)).map((each) => ({
      ...each,
      what: `${each.what}, after a restart`,
    }))
  },
}

async function judgeAnewLog(site: Site) {
  const { workspaceId, webhookUrl } = await site.attacker()
  const url = await webhookUrl('binotel')
  const told = []
  for (let count = 0; count < CALLS; count++) {
    const { body, contentType } = callOf('binotel', nextNumber++)
    told.push(await post(url, body, contentType))
  }
  const arrived = () => site.receiver.of(workspaceId).length
  await site.receiver.until(() => arrived() >= CALLS, 'all calls', WITHIN_MS).catch(() => undefined)
  const port = site.port('DISPATCHER')
  return [
    claim('answers', statusesOf(told), { 200: CALLS }),
    claim('calls that arrived', arrived(), CALLS),
    claim('it is counted', (await metricSum(port, 'callwebhook_records_lost_total')) > 0, true),
    claim('/readyz says so', await degraded(port), ['log_went_back']),
    claim('the log says so', readFileSync(site.dispatcher.logFile, 'utf8').includes(WORD), true),
  ]
}

const WORD = 'log.went_back'

async function degraded(port: number): Promise<unknown> {
  const ask = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`)
    return ((await response.json()) as { degraded?: unknown }).degraded
  }
  return eventually(async () => {
    const told = await ask()
    if (told === undefined) throw new Error('nothing')
    return told
  }, 2_000).catch(ask)
}
