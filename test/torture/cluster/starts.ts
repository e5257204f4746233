import type { Broker } from '../../../deploy/local/broker.ts'
import { type ClusterScene, step } from './play.ts'
import { type Stage, startNormalizer } from './stage.ts'
import { orProblem } from './verdict.ts'

/**
 * One broker is frozen, the first of `KAFKA_BROKERS` or another, while a dispatcher and a normalizer
 * start: whoever scales up because something is slow must not have to wait for what is slow.
 */
export const startWhileFrozen: ClusterScene = {
  name: 'start-while-frozen',
  async play(stage) {
    for (const broker of stage.stack.brokers.slice(0, 2)) await startBeside(stage, broker)
  },
}

async function startBeside(stage: Stage, broker: Broker): Promise<void> {
  step(stage, `broker ${broker.id} frozen, a dispatcher and a normalizer start`)
  await broker.freeze()
  const startedMs = performance.now()
  const tell = (what: string) =>
    stage.log.notes.push(
      `${what} ready after ${Math.round(performance.now() - startedMs)} ms beside broker ${broker.id}`,
    )
  // Both within the 30 s that `startService` waits.
  await Promise.all([
    orProblem(stage, async () => {
      stage.dispatchers.push(await stage.startDispatcher())
      tell('dispatcher')
    }),
    orProblem(stage, async () => {
      await startNormalizer(stage)
      tell('normalizer')
    }),
  ])
  step(stage, `broker ${broker.id} thawed`)
  await broker.thaw()
  await stage.cluster.untilHealed()
}
