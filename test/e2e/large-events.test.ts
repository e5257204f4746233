import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aCallEvent } from '../support/builders.ts'
import { postRaw } from '../support/door.ts'
import { eventually } from '../support/eventually.ts'
import { callOf } from '../support/provider-calls.ts'
import { answer } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'

/** One request and one event that are larger than anything that we store, beside others that are not. */
describe('an event that does not fit everywhere', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.open({
      ...(await freshPlace()),
      env: { DISPATCHER_RETRY_TIERS: '1s,2s', TOPIC_PARTITIONS: '1' },
    })
    await rig.startDispatcher()
    await rig.product.start('normalizer')
  }, 120_000)
  afterAll(() => rig?.close())

  it('is refused at the door, kept raw, and nothing waits for it', async () => {
    await rig.connect(['large', 'small'])
    const hooks = {
      large: await rig.product.addSource('large', 'ringostat'),
      small: await rig.product.addSource('small', 'ringostat'),
    }
    const { path } = callOf('ringostat', 1)
    // A byte of windows-1251 that is three in UTF-8; the number stands in the event twice.
    const body = Buffer.concat([
      Buffer.from(
        'uniqueid=ua0_-1779803880.1&calldate=2026-05-26+16%3A58%3A00&call_type=in&dst=380443334455&disposition=ANSWERED&duration=44&billsec=31&caller=',
      ),
      Buffer.alloc(261_000, 0xb9),
    ])
    const contentType = 'application/x-www-form-urlencoded; charset=windows-1251'

    const refused = await postRaw(hooks.large + path, body, contentType)
    const taken = await postRaw(hooks.small + path, callOf('ringostat', 2).body, 'application/json')

    expect([refused.status, taken.status]).toEqual([422, 200])
    expect(await refused.json()).toMatchObject({ reason: 'too_large' })
    await rig.receiver.until(() => rig.receiver.of('small').length === 1, 'the other one arrives')
    const kept = await rig.view.of(rig.view.names.rejected, 'large')
    expect(kept).toMatchObject([{ headers: { reason: 'too_large' } }])
    expect(kept[0]?.value.equals(body)).toBe(true)
    expect(await rig.query('select from spool')).toEqual([])
  })

  it('and stands in the log all the same is a dead letter at its first failure, without its value', async () => {
    await rig.connect(['foreign', 'neighbour'])
    rig.receiver.script('foreign', ({ providerCallId }) =>
      answer(providerCallId === '0' ? 503 : 200),
    )
    await rig.log.append({
      ...aCallEvent('foreign', '0'),
      recordingUrl: `https://files.test/${'u'.repeat(1_048_095)}`,
    })

    await rig.load.append('neighbour', 10)
    await rig.load.append('foreign', 2)
    await rig.untilDelivered(30_000)

    const letters = await rig.view.of(rig.view.names.deadLetter, 'foreign')
    expect(letters).toMatchObject([
      { headers: { 'dead-reason': 'too_large', 'dead-attempts': '1' } },
    ])
    expect(letters[0]?.value).toHaveLength(0)
    await eventually(async () =>
      expect(
        await rig.query(`select reason from dead_letters where workspace_id = 'foreign'`),
      ).toEqual([{ reason: 'too_large' }]),
    )
    await rig.untilSettled()
  })
})
