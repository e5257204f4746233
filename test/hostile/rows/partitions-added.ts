import { eventually } from '../../support/eventually.ts'
import { metricSum } from '../../support/metric-sum.ts'
import { claim, type Row } from '../row.ts'

const MORE_PARTITIONS = 5
/** The dispatchers look every ten seconds. */
const WITHIN_MS = 15_000

/** Whoever writes by key fills partitions that nobody reads. */
export const partitionsAdded: Row = {
  number: 13,
  title: 'partitions that are added while it runs are told by /readyz and a metric',
  isLast: true,
  isLong: true,
  async attack(site) {
    await site.foreigner.addPartitions(MORE_PARTITIONS)
    const port = site.port('DISPATCHER')
    const ask = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`)
      return { status: response.status, body: await response.text() }
    }
    const told = await eventually(async () => {
      const answer = await ask()
      if (answer.status === 200) throw new Error('ready')
      return answer
    }, WITHIN_MS).catch(ask)
    return [
      claim('/readyz', told.status, 503),
      claim('it names the page with the command', told.body.includes('deploy/kafka'), true),
      claim('misfit topics', await metricSum(port, 'callwebhook_misfit_topics'), 1),
    ]
  },
}
