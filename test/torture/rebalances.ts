import { type Crowd, untilFlowing } from './crowd.ts'

/**
 * A third dispatcher joins, and one that has been there leaves in good order, in turn: `count`
 * rebalances, each as soon as everybody is served after the one before.
 */
export async function rebalanceAgainAndAgain(
  crowd: Crowd,
  count: number,
  onRebalance: (facts: { readonly rebalance: number; readonly settledMs: number }) => void,
): Promise<void> {
  const { rig, dispatchers } = crowd
  for (let rebalance = 1; rebalance <= count; rebalance++) {
    const from = Date.now()
    if (rebalance % 2 === 1) dispatchers.push(await rig.startDispatcher())
    else await dispatchers.shift()?.stop()
    await untilFlowing(crowd)
    onRebalance({ rebalance, settledMs: Date.now() - from })
  }
}
