import { systemClock } from '../../services/shared/clock.ts'
import { coordinatorKilled, frozenBroker, twoBrokersKilled } from './cluster-scenes.ts'
import { retryNow } from './operator.ts'
import { clockSteps, listenSilenced, readOnlyPostgres } from './quiet-faults.ts'
import { whileRegistryIsAway } from './registry-away.ts'
import { kafkaLost, postgresRestored, registryLost } from './restores.ts'
import { ROTATION_SCENES } from './rotations.ts'
import type { Scene } from './scene.ts'
import type { Dispatcher } from './site.ts'
import { callsOf, longestWaitMs } from './waits.ts'

const broker: Scene = {
  profile: 'bench',
  broken: 'Kafka killed',
  expected: { kind: 'alert', name: 'CommitsStalled' },
  async break({ stack }) {
    await stack.stopServer('kafka', 'SIGKILL')
    return { repair: () => stack.startServer('kafka') }
  },
}

const registry: Scene = {
  profile: 'bench',
  broken: 'schema registry killed',
  expected: {
    kind: 'no page',
    because: 'services that run remember the schemas, and one that starts waits until it has them',
  },
  async break(site, tell) {
    await site.stack.stopServer('registry', 'SIGKILL')
    const afterwards = await whileRegistryIsAway(site, tell)
    return { repair: () => site.stack.startServer('registry'), afterwards }
  },
}

const postgres: Scene = {
  profile: 'bench',
  broken: 'Postgres killed',
  expected: { kind: 'alert', name: 'CommitsStalled' },
  async break({ stack }) {
    await stack.stopServer('postgres', 'SIGKILL')
    return { repair: () => stack.startServer('postgres') }
  },
}

const receiver: Scene = {
  profile: 'bench',
  broken: 'endpoints of all customers refuse connections',
  expected: { kind: 'alert', name: 'EgressFailsForMany' },
  async break({ receiver: endpoints, product, workspaceIds }, tell) {
    const { port } = endpoints
    await endpoints.stop()
    return {
      async repair() {
        await endpoints.start(port)
      },
      async afterwards() {
        await Promise.all(workspaceIds.map((id) => retryNow(product, id)))
        tell('"retry now" was said for each connection, as the runbook has it')
      },
    }
  },
}

const frozen: Scene = {
  profile: 'bench',
  broken: 'one of two dispatchers frozen',
  expected: { kind: 'no page', because: 'the other one takes over within half a minute' },
  async break({ dispatchers, senders, deliveredAt }, tell) {
    const from = systemClock.now()
    const thaw = freeze([dispatchers[0]])
    return {
      async repair() {
        const now = systemClock.now()
        const waitMs = longestWaitMs(callsOf(senders.all, deliveredAt), { from, to: now, now })
        tell(`nobody served its workspaces for ${(waitMs / 1_000).toFixed(1)} s`)
        thaw()
      },
    }
  },
}

const allFrozen: Scene = {
  profile: 'bench',
  broken: 'both dispatchers frozen',
  expected: { kind: 'alert', name: 'PartitionsUnowned' },
  async break({ dispatchers }) {
    const thaw = freeze(dispatchers)
    return { repair: async () => thaw() }
  },
}

function freeze(dispatchers: readonly Dispatcher[]): () => void {
  const signalAll = (signal: NodeJS.Signals) => {
    for (const { process: each } of dispatchers) process.kill(each.pid, signal)
  }
  signalAll('SIGSTOP')
  return () => signalAll('SIGCONT')
}

export const SCENES: Readonly<Record<string, Scene>> = {
  broker,
  registry,
  postgres,
  receiver,
  frozen,
  'all-frozen': allFrozen,
  'frozen-broker': frozenBroker,
  'coordinator-killed': coordinatorKilled,
  'two-brokers-killed': twoBrokersKilled,
  'clock-steps': clockSteps,
  'listen-silenced': listenSilenced,
  'read-only': readOnlyPostgres,
  'postgres-restored': postgresRestored,
  'kafka-lost': kafkaLost,
  'registry-lost': registryLost,
  ...ROTATION_SCENES,
}
