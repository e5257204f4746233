import { systemClock } from '../../services/shared/clock.ts'
import { clusterOf } from '../support/cluster.ts'
import type { Mending, Scene, Tell } from './scene.ts'
import type { Site } from './site.ts'

/** Of three brokers one is lost, and the two others have all that was accepted; or two are. */

/** Ten times the 9 s after which the cluster gives a silent broker's partitions to the others. */
const AWAY_MS = 90_000

export const frozenBroker: Scene = {
  profile: 'cluster',
  broken: 'one of three brokers frozen',
  expected: {
    kind: 'no page',
    because: 'the others lead its partitions after 9 s, and nobody has to do anything',
  },
  repairedAfterMs: AWAY_MS,
  async break(site, tell) {
    // The first of KAFKA_BROKERS: whoever asks them in turn hangs there first.
    const [first] = site.stack.brokers
    if (first === undefined) throw new Error('The stack has no brokers.')
    const coordinator = await clusterOf(site.stack.brokers).coordinatorOf(groupOf(site))
    const role = coordinator === first.id ? 'coordinates' : 'does not coordinate'
    tell(`broker ${first.id}, which ${role} the dispatchers' group`)
    await first.freeze()
    return mending(site, tell, () => first.thaw())
  },
}

export const coordinatorKilled: Scene = {
  profile: 'cluster',
  broken: "broker killed that coordinates the dispatchers' group",
  expected: {
    kind: 'no page',
    because: 'another broker coordinates the group after 9 s, and dispatchers keep their places',
  },
  repairedAfterMs: AWAY_MS,
  async break(site, tell) {
    const broker = site.stack.broker(
      await clusterOf(site.stack.brokers).coordinatorOf(groupOf(site)),
    )
    tell(`broker ${broker.id}`)
    await broker.kill()
    return mending(site, tell, () => broker.start())
  },
}

/** No quorum is left: nothing is acknowledged, and what the two led cannot be read. */
export const twoBrokersKilled: Scene = {
  profile: 'cluster',
  broken: 'two of three brokers killed',
  expected: { kind: 'alert', name: 'PartitionStands' },
  async break(site, tell) {
    const killed = site.stack.brokers.slice(1)
    await Promise.all(killed.map((broker) => broker.kill()))
    return mending(site, tell, () => Promise.all(killed.map((broker) => broker.start())))
  },
}

function groupOf({ product }: Site): string {
  return `${product.env['TOPIC_PREFIX']}.dispatcher`
}

/** Before the next scene is begun, and by the runbook before the next broker is touched. */
function mending({ stack }: Site, tell: Tell, repair: () => Promise<unknown>): Mending {
  return {
    async repair() {
      await repair()
    },
    async afterwards() {
      const since = systemClock.now()
      await clusterOf(stack.brokers).untilHealed()
      const seconds = Math.round((systemClock.now() - since) / 1_000)
      tell(`all replicas in sync ${seconds} s after the repair`)
    },
  }
}
