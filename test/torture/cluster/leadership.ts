import { systemClock } from '../../../services/shared/clock.ts'
import { type ClusterScene, step } from './play.ts'

/** Who leads changes, and nobody is away. */

const MOVE_EVERY_MS = 3_000

export function leaders(forMs: number): ClusterScene {
  return {
    name: 'leaders',
    play: (stage) =>
      again(forMs, async (turn) => {
        const { cluster, topics } = stage
        step(stage, turn % 2 === 0 ? 'leaders move' : 'the preferred leaders lead')
        await (turn % 2 === 0 ? cluster.moveLeaders(topics) : cluster.electPreferredLeaders())
      }),
  }
}

/** That of the dispatchers' group, and its offsets with it. */
export function coordinator(forMs: number): ClusterScene {
  return {
    name: 'coordinator',
    play: (stage) =>
      again(forMs, async () => {
        step(stage, 'the coordinator moves')
        await stage.cluster.moveCoordinator(stage.groupId)
      }),
  }
}

async function again(forMs: number, move: (turn: number) => Promise<void>): Promise<void> {
  const until = Date.now() + forMs
  for (let turn = 0; Date.now() < until; turn++) {
    await move(turn)
    await systemClock.sleep(MOVE_EVERY_MS)
  }
}
