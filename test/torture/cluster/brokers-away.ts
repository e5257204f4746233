import type { Broker } from '../../../deploy/local/broker.ts'
import { systemClock } from '../../../services/shared/clock.ts'
import { type ClusterScene, step } from './play.ts'
import type { Dispatcher, Stage } from './stage.ts'

/** Brokers stop, crash and hang. */

/** Each of them once, in good order: an upgrade of Kafka. */
export const rolling: ClusterScene = {
  name: 'rolling',
  async play(stage) {
    for (const broker of stage.stack.brokers) {
      step(stage, `broker ${broker.id} stops`)
      await broker.stop()
      await comeBack(stage, [broker])
    }
  },
}

export function kill(id: number, awayMs: number): ClusterScene {
  return {
    name: `kill-${id}`,
    play: (stage) => crash(stage, [stage.stack.broker(id)], awayMs),
  }
}

export function freeze(id: number, frozenMs: number): ClusterScene {
  return {
    name: `freeze-${id}`,
    play: (stage) => hang(stage, stage.stack.broker(id), frozenMs),
  }
}

/** Each stands still, and goes on before the others have given it up: a long pause of its JVM. */
export function pauses(pausedMs: number): ClusterScene {
  return {
    name: 'pauses',
    async play(stage) {
      for (const broker of stage.stack.brokers) await hang(stage, broker, pausedMs)
    },
  }
}

/** The broker that the dispatchers' group is looked after by. */
export function coordinatorKilled(awayMs: number): ClusterScene {
  return {
    name: 'coordinator-killed',
    async play(stage) {
      const id = await stage.cluster.coordinatorOf(stage.groupId)
      await crash(stage, [stage.stack.broker(id)], awayMs)
    },
  }
}

/** No partition has enough replicas, and no controller is left to decide anything. */
export function twoAway(awayMs: number): ClusterScene {
  return {
    name: 'two-away',
    play: (stage) => crash(stage, stage.stack.brokers.slice(1), awayMs),
  }
}

/** Both at once: what the dead one did not commit, the frozen broker may have been about to. */
export function freezeAndDispatcherKilled(frozenMs: number): ClusterScene {
  return {
    name: 'freeze-and-dispatcher-killed',
    async play(stage) {
      const id = await stage.cluster.coordinatorOf(stage.groupId)
      await Promise.all([replaceDispatcher(stage), hang(stage, stage.stack.broker(id), frozenMs)])
    },
  }
}

async function crash(stage: Stage, brokers: readonly Broker[], awayMs: number): Promise<void> {
  step(stage, `broker ${brokers.map(({ id }) => id).join(' and ')} killed`)
  await Promise.all(brokers.map((broker) => broker.kill()))
  await systemClock.sleep(awayMs)
  await comeBack(stage, brokers)
}

async function comeBack(stage: Stage, brokers: readonly Broker[]): Promise<void> {
  step(stage, `broker ${brokers.map(({ id }) => id).join(' and ')} starts`)
  await Promise.all(brokers.map((broker) => broker.start()))
  step(stage, `broker ${brokers.map(({ id }) => id).join(' and ')} let in`)
  await stage.cluster.untilHealed()
}

async function hang(stage: Stage, broker: Broker, frozenMs: number): Promise<void> {
  step(stage, `broker ${broker.id} frozen`)
  await broker.freeze()
  await systemClock.sleep(frozenMs)
  step(stage, `broker ${broker.id} thawed`)
  await broker.thaw()
  await stage.cluster.untilHealed()
}

/** What it had begun when it died can be seen until its successor waits no more. */
const SEEN_FOR_MS = 3_000

export async function replaceDispatcher(stage: Stage): Promise<Dispatcher> {
  const from = Date.now()
  const killed = stage.dispatchers.shift()
  await killed?.process.kill()
  stage.log.deaths.push({ from, to: Date.now() + SEEN_FOR_MS })
  const started = await stage.startDispatcher(killed?.telemetryPort)
  stage.dispatchers.push(started)
  return started
}
