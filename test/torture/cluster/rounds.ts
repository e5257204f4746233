import { systemClock } from '../../../services/shared/clock.ts'
import { Random } from '../../simulation/random.ts'
import { type ClusterScene, step } from './play.ts'
import type { Stage } from './stage.ts'

/** Leaders move and brokers restart, as a seed decides, for as many rounds as wanted. */

const PAUSE_MS = { least: 500, most: 4_000 }

export function rounds(count: number, seed = 1): ClusterScene {
  return {
    name: 'rounds',
    async play(stage) {
      const random = new Random(seed)
      for (let round = 1; round <= count; round++) {
        await playRound(stage, random, `${round} of ${count}`)
        await systemClock.sleep(random.between(PAUSE_MS.least, PAUSE_MS.most))
      }
    },
  }
}

async function playRound(stage: Stage, random: Random, round: string): Promise<void> {
  const { cluster, topics, groupId, stack } = stage
  const turn = random.between(1, 5)
  if (turn <= 2) {
    step(stage, `${round}: leaders move`)
    await cluster.moveLeaders(topics.filter(() => random.chance(0.5)))
  } else if (turn === 3) {
    step(stage, `${round}: the preferred leaders lead`)
    await cluster.electPreferredLeaders()
  } else if (turn === 4) {
    step(stage, `${round}: the coordinator moves`)
    await cluster.moveCoordinator(groupId)
  } else {
    const broker = random.pick(stack.brokers)
    step(stage, `${round}: broker ${broker.id} restarts`)
    await broker.stop()
    await broker.start()
    await cluster.untilHealed()
  }
}
