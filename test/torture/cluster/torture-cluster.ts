import { findPrometheus, type PrometheusPrograms } from '../../../deploy/local/prometheus.ts'
import { type Stack, startStack } from '../../../deploy/local/stack.ts'
import { StackError } from '../../../deploy/local/stack-error.ts'
import {
  coordinatorKilled,
  freeze,
  freezeAndDispatcherKilled,
  kill,
  pauses,
  rolling,
  twoAway,
} from './brokers-away.ts'
import { coordinator, leaders } from './leadership.ts'
import {
  configChanged,
  offsetsDeleted,
  partitionsAdded,
  reassignment,
  retention,
} from './operators.ts'
import { brokenPromises, type ClusterScene, playScene, renderOutcome } from './play.ts'
import { sendWhileLeadersMove } from './producer-moves.ts'
import { rounds } from './rounds.ts'
import { startWhileFrozen } from './starts.ts'

/** What is done to a cluster of three brokers, one thing after the other, each on a stage of its own. */
const SECOND_MS = 1_000

function scenesOf(count: number): readonly ClusterScene[] {
  return [
    leaders(30 * SECOND_MS),
    coordinator(30 * SECOND_MS),
    rolling,
    ...[1, 2, 3].map((id) => kill(id, 20 * SECOND_MS)),
    ...[1, 2, 3].map((id) => freeze(id, 60 * SECOND_MS)),
    pauses(4 * SECOND_MS),
    coordinatorKilled(20 * SECOND_MS),
    twoAway(60 * SECOND_MS),
    freezeAndDispatcherKilled(60 * SECOND_MS),
    startWhileFrozen,
    partitionsAdded,
    retention,
    offsetsDeleted,
    reassignment,
    configChanged,
    rounds(count),
  ]
}

export interface ClusterTorture {
  readonly rounds: number
  /** Name of one scene; empty: all. */
  readonly only: string
}

/** True when every promise was kept. */
export async function tortureCluster({ rounds, only }: ClusterTorture): Promise<boolean> {
  const scenes = scenesOf(rounds).filter(
    ({ name }) => only === '' || only.split(',').includes(name),
  )
  if (scenes.length === 0) throw new Error(`There is no scene '${only}' on the cluster.`)
  const programs = await prometheusPrograms()
  const stack = await startStack('cluster', { report: (line) => console.log(line) })
  const lines: string[] = []
  let isKept = true
  try {
    for (const scene of scenes) {
      console.log(`\n── ${scene.name} ──`)
      const { line, isGood } = await played(scene, stack, programs)
      isKept &&= isGood
      console.log(line)
      lines.push(line)
    }
    console.log(`\n${lines.join('\n')}`)
    return isKept
  } finally {
    await stack.stop()
  }
}

/** @throws with what there is to install: scenes without alerts do not show who would be paged. */
async function prometheusPrograms(): Promise<PrometheusPrograms> {
  const programs = await findPrometheus((line) => console.log(line))
  if ('missing' in programs) throw new StackError(programs.missing)
  return programs
}

/** One whose stage could not be set counts as broken; the others are played all the same. */
async function played(scene: ClusterScene, stack: Stack, programs: PrometheusPrograms) {
  try {
    const outcome = await playScene(scene, stack, programs)
    const isGood = Object.keys(brokenPromises(outcome)).length === 0
    return { line: renderOutcome(scene.name, outcome), isGood }
  } catch (error) {
    return { line: `${scene.name}: BROKEN, could not be played: ${String(error)}`, isGood: false }
  }
}

const RECORDS = 1_000_000
const MOVES = 200

/** The producer alone, always the same number of records. */
export async function tortureProducer(_options: ClusterTorture): Promise<boolean> {
  const stack = await startStack('cluster', { report: (line) => console.log(line) })
  try {
    const figures = await sendWhileLeadersMove(stack, { records: RECORDS, moves: MOVES })
    console.table(figures)
    const { lost, elsewhere, twice, outOfOrder } = figures
    return [lost, elsewhere, twice, outOfOrder].every((count) => count === 0)
  } finally {
    await stack.stop()
  }
}
