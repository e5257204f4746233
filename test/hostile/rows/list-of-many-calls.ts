import { metricSum } from '../../support/metric-sum.ts'
import { post, statusesOf } from '../requests.ts'
import { atMost, claim, type Row } from '../row.ts'

const EMPTY_CALLS = 80_000
const AT_ONCE = 5
const CALLS_MAX = 100
/** Of all five, with the neighbours' calls beside them. Mapped call by call it was seconds of each. */
const CPU_MS_MAX = 2_000

/** Each call of a list was mapped before anybody counted them. */
export const listOfManyCalls: Row = {
  number: 7,
  title: 'a list of 80,000 calls is refused before any of them is read',
  async attack(site) {
    const { webhookUrl } = await site.attacker()
    const url = `${await webhookUrl('ringostat')}/after-call`
    const body = `[${Array.from({ length: EMPTY_CALLS }, () => '{}').join()}]`
    // Of the processor, so that a busy machine does not look like an attack that succeeds.
    const cpuMs = async () =>
      1_000 * (await metricSum(site.port('NORMALIZER'), 'process_cpu_seconds_total'))
    const before = await cpuMs()
    const told = await Promise.all(Array.from({ length: AT_ONCE }, () => post(url, body)))
    const spent = (await cpuMs()) - before
    const few = await post(url, callsOf(CALLS_MAX))
    const tooMany = await post(url, callsOf(CALLS_MAX + 1))
    const reasons = new Set([...told, tooMany].map(({ reason }) => reason))
    return [
      claim('answers', statusesOf(told), { 422: AT_ONCE }),
      claim('reasons', [...reasons], ['too_many']),
      atMost('milliseconds of the processor', Math.round(spent), CPU_MS_MAX),
      claim('answer to 100 calls', few.status, 200),
      claim('answer to 101 calls', tooMany.status, 422),
    ]
  },
}

function callsOf(count: number): string {
  return JSON.stringify(
    Array.from({ length: count }, (_, index) => ({
      uniqueid: `ua0_-1779803880.${count}${index}`,
      calldate: '2026-05-26 16:58:00',
      call_type: 'in',
      caller: '380671234567',
      dst: '380443334455',
      disposition: 'ANSWERED',
      billsec: 31,
    })),
  )
}
