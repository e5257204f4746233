import { readFileSync } from 'node:fs'
import { confirmRestore } from '../../support/after-restore.ts'
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
const WITHIN_MS = 15_000

let nextNumber = FIRST_NUMBER

/** The dispatchers compare the ids of the topics every 20 s. */
const NOTICED_WITHIN_MS = 40_000

/** The next record lies before the offset that a dispatcher waits for, which never comes. */
export const logMadeAnew: Row = {
  number: 12,
  title:
    'a log that is made anew waits for a person; one that was cut off is read from its first record',
  isLast: true,
  isLong: true,
  // While there is no topic their calls wait in the spool: what is judged is what comes after.
  spares: [],
  async attack(site) {
    await site.foreigner.makeAnew(PARTITIONS)
    const url = `http://127.0.0.1:${site.port('DISPATCHER')}/healthz`
    const isEnded = () =>
      fetch(url).then(
        () => false,
        () => true,
      )
    // The last lines of a process are written as it ends, after nobody answers any more.
    const saysWhy = () => readFileSync(site.dispatcher.logFile, 'utf8').includes('kafka_recreated')
    return [
      claim('the dispatcher ends', await isSoon(isEnded, NOTICED_WITHIN_MS), true),
      claim('the log says why', await isSoon(saysWhy, WITHIN_MS), true),
    ]
  },
  /** Confirmed. Then, as an unclean election does it: what is committed lies beyond the end. */
  async afterwards(site) {
    await confirmRestore(site.product.env, '--kafka')
    await site.startAgain('dispatcher')
    const { workspaceId, webhookUrl } = await site.attacker()
    const statuses = await postCalls(await webhookUrl('binotel'))
    const arrived = await arrivedAt(site, workspaceId)
    await site.stop('dispatcher')
    const groupId = `${site.product.env['TOPIC_PREFIX']}.dispatcher`
    await site.foreigner.commit(groupId, PARTITIONS, BEYOND_THE_END)
    await site.startAgain('dispatcher')
    return [
      claim('answers once it is confirmed', statuses, { 200: CALLS }),
      claim('calls that arrived then', arrived, CALLS),
      ...(await judgeCutLog(site)),
    ]
  },
}

function isSoon(is: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const look = async () => {
    if (!(await is())) throw new Error('not yet')
    return true
  }
  return eventually(look, withinMs).catch(() => false)
}

async function postCalls(url: string) {
  const told = []
  for (let count = 0; count < CALLS; count++) {
    const { body, contentType } = callOf('binotel', nextNumber++)
    told.push(await post(url, body, contentType))
  }
  return statusesOf(told)
}

async function arrivedAt(site: Site, workspaceId: string): Promise<number> {
  const arrived = () => site.receiver.of(workspaceId).length
  await site.receiver.until(() => arrived() >= CALLS, 'all calls', WITHIN_MS).catch(() => undefined)
  return arrived()
}

async function judgeCutLog(site: Site) {
  const { workspaceId, webhookUrl } = await site.attacker()
  const statuses = await postCalls(await webhookUrl('binotel'))
  const arrived = await arrivedAt(site, workspaceId)
  const port = site.port('DISPATCHER')
  return [
    claim('answers', statuses, { 200: CALLS }),
    claim('calls that arrived', arrived, CALLS),
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
