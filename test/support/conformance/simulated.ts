import { setImmediate as nextTurn } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { ProcessLinks } from '../../simulation/process-links.ts'
import { type Chances, type Scenario, scenarioOf } from '../../simulation/scenario.ts'
import { SimConsumer } from '../../simulation/sim-consumer.ts'
import { processClock } from '../../simulation/virtual-time.ts'
import { CATCH_UP, EVENTS, World } from '../../simulation/world.ts'
import { type GroupEnvironment, type LogEnvironment, PARTITIONS } from './environments.ts'
import { Witness } from './witness.ts'

const TOPICS = [EVENTS, CATCH_UP] as const
/** Virtual milliseconds that pass in a turn of the event loop. */
const STEP_MS = 20

/** Virtual time flies: only where something is to be given up it is given up soon. */
const NEVER_MS = 24 * 60 * 60_000

/** The producer of the simulation, while the chances are these. */
export async function simulatedLog(
  chances: Partial<Chances> = {},
  produceTimeoutMs = NEVER_MS,
): Promise<LogEnvironment> {
  const world = aWorld(chances, produceTimeoutMs)
  let producers = 0
  letTimePass(world, () => undefined)
  return {
    topic: CATCH_UP,
    aProducer: async () => linksOf(world, `p${producers++}`).producer,
    written: async (partition) =>
      world.broker.log(CATCH_UP, partition).map(({ value }, offset) => ({
        offset,
        value: value.toString(),
      })),
  }
}

/** The group of the simulation. Its coordinator knows at once who comes and who is thrown out. */
export async function simulatedGroup(): Promise<GroupEnvironment> {
  const world = aWorld({}, NEVER_MS)
  const { broker } = world
  const members: SimConsumer[] = []
  function rebalance(): void {
    const { generation, assignment } = broker.rebalance()
    for (const [member, partitions] of assignment) {
      const { memberId } = member
      const joining = members.find((one) => one === member)
      joining?.joined({ generation, partitions, memberId, sentAt: joining.sendsNow() })
    }
  }
  letTimePass(world, () => {
    // A member finds out by its next heartbeat, and joins anew.
    const strangers = members.filter((member) => !broker.isMember(member))
    for (const member of strangers) broker.join(member)
    if (strangers.length > 0) rebalance()
    for (const member of members) {
      member.heartbeat()
      member.fetch()
    }
  })
  return {
    topics: TOPICS,
    async aMember() {
      const witness = new Witness(TOPICS)
      const links = linksOf(world, `d${members.length}`)
      const consumer = new SimConsumer({ world, links, topics: TOPICS, owner: witness })
      witness.consumer = consumer
      members.push(consumer)
      broker.join(consumer)
      rebalance()
      const stop = async () => {
        members.splice(members.indexOf(consumer), 1)
        broker.leave(consumer)
      }
      return { consumer: Object.assign(consumer, { stop }), witness }
    },
    async append(topic, partition, ...values) {
      for (const value of values) {
        broker.append(topic, partition, { key: 'kyiv', value: Buffer.from(value), headers: {} })
      }
    },
    async expelAll() {
      for (const member of members) broker.leave(member)
    },
  }
}

function aWorld(chances: Partial<Chances>, produceTimeoutMs: number): World {
  const scenario = scenarioOf(1)
  const calm = Object.fromEntries(Object.keys(scenario.chances).map((name) => [name, 0]))
  const all = { ...scenario.chances, ...calm, ...chances }
  const settings: Scenario = {
    ...scenario,
    partitions: PARTITIONS.length,
    produceTimeoutMs,
    chances: all,
  }
  return new World(settings)
}

function linksOf(world: World, name: string): ProcessLinks {
  const post = (work: () => void) => work()
  return new ProcessLinks(world, name, processClock(world.time, post), post)
}

/** Until the test is through, so that what it waits for comes by itself. */
function letTimePass({ time }: World, step: () => void): void {
  let isOver = false
  const passing = (async () => {
    while (!isOver) {
      await time.runFor(STEP_MS)
      step()
      await nextTurn()
    }
  })()
  onTestFinished(() => {
    isOver = true
    return passing
  })
}
