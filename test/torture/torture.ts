import { parseArgs } from 'node:util'
import { profileOf } from '../../deploy/local/profiles.ts'
import { type Stack, startStack } from '../../deploy/local/stack.ts'
import { createDatabase } from '../support/create-database.ts'
import type { RigOptions } from '../support/rig.ts'
import { tortureCluster, tortureProducer } from './cluster/torture-cluster.ts'
import { broken, type Crowd, type Figures, gatherCrowd, judgeCrowd } from './crowd.ts'
import { freeze } from './freeze.ts'
import { attackAgainAndAgain } from './hostile.ts'
import { killAgainAndAgain } from './kill-rounds.ts'
import {
  cursorsByWorkspace,
  EACH_HAS,
  failTogether,
  lookAtRecords,
  recoverTogether,
} from './many-failing.ts'
import { rebalanceAgainAndAgain } from './rebalances.ts'
import { spoolOutage } from './spool.ts'

/**
 * `make torture ROUNDS=100`, or one scene of it by `SCENE=rebalances`: what the end-to-end tests do
 * in minutes, for as long as it takes. On the stack of the benchmark, so that tests can run beside
 * it. Exits 0 only if nothing was lost, sent out of order or sent more often than a crash explains.
 */
const REBALANCES_PER_ROUND = 0.5
const FAILING_PER_ROUND = 50
const FROZEN_MS = 30_000
const NOBODY_WAITS_MS = 10_000

/** Row of the summary; `isBroken` decides about the exit code. */
interface Row {
  readonly scene: string
  readonly figures: Readonly<Record<string, number>>
  readonly isBroken: boolean
}

async function withCrowd(
  scene: string,
  options: RigOptions,
  disturb: (crowd: Crowd) => Promise<Figures>,
): Promise<Row> {
  const crowd = await gatherCrowd(options)
  try {
    const figures = await disturb(crowd)
    const isBroken = Object.values(broken(figures)).some((count) => count > 0)
    return { scene, figures: { ...figures }, isBroken }
  } finally {
    await crowd.rig.close()
  }
}

const kills = (rounds: number, options: RigOptions): Promise<Row> =>
  withCrowd(`${rounds} kills`, options, async (crowd) =>
    judgeCrowd(crowd, await killAgainAndAgain(crowd, rounds, (round) => console.log(round))),
  )

async function rebalances(count: number, options: RigOptions): Promise<Row> {
  const row = await withCrowd(`${count} rebalances`, options, async (crowd) => {
    await rebalanceAgainAndAgain(crowd, count, (facts) => console.log(facts))
    return judgeCrowd(crowd, [])
  })
  const waitMs = row.figures['longestHealthyWaitMs'] ?? 0
  return { ...row, isBroken: row.isBroken || waitMs >= NOBODY_WAITS_MS }
}

const frozen = (options: RigOptions): Promise<Row> =>
  withCrowd('a frozen member', options, async (crowd) =>
    judgeCrowd(crowd, [await freeze(crowd, FROZEN_MS)]),
  )

async function manyFailing(count: number, options: RigOptions): Promise<Row> {
  const { rig, workspaceIds } = await failTogether(options, count)
  try {
    for (const times of [2, 3, 4, 5]) console.log(await lookAtRecords(rig, workspaceIds, times))
    const cursors = [...(await cursorsByWorkspace(rig)).values()]
    await recoverTogether(rig, workspaceIds)
    const followersProduced = cursors.reduce((sum, { size }) => sum + size - 1, 0)
    const verdict = rig.verdict()
    const figures = {
      accepted: count * EACH_HAS,
      lost: verdict.lost.length,
      outOfOrder: verdict.outOfOrder.length,
      overlaps: verdict.overlaps,
      followersProduced,
    }
    const { accepted: _, ...mustBeNought } = figures
    const isBroken = Object.values(mustBeNought).some((number) => number > 0)
    return { scene: `${count} failing workspaces`, figures, isBroken }
  } finally {
    await rig.close()
  }
}

/** A second and a bit per round: two minutes by default. */
const OUTAGE_MS_PER_ROUND = 1_200

async function spool(stack: Stack, options: RigOptions, outageMs: number): Promise<Row> {
  const figures = await spoolOutage(stack, options, outageMs)
  const { refused, lost, twice, outOfOrder } = figures
  const isBroken = [refused, lost, twice, outOfOrder].some((count) => count > 0)
  return { scene: `${outageMs / 1_000} s without Kafka`, figures, isBroken }
}

/** Rows of the hostile scene share nothing, so each gets a place of its own. */
async function hostile(freshPlace: () => Promise<RigOptions>, row: string): Promise<Row> {
  const figures = await attackAgainAndAgain(freshPlace, row)
  const { rows, ...mustBeNought } = figures
  const isBroken = Object.values(mustBeNought).some((number) => number > 0)
  return { scene: `${rows} hostile inputs`, figures: { ...figures }, isBroken }
}

async function torture(stack: Stack, rounds: number, scene: string): Promise<readonly Row[]> {
  let count = 0
  const freshOptions = async (): Promise<RigOptions> => ({
    stack: stack.env,
    profile: profileOf('bench'),
    databaseUrl: await createDatabase(stack.env.DATABASE_URL),
    topicPrefix: `torture${++count}`,
  })
  const rows: Row[] = []
  for (const [name, play] of Object.entries(SCENES)) {
    if (scene === '' || scene === name) rows.push(await play(await freshOptions(), rounds, stack))
  }
  if (scene === '' || scene === HOSTILE) rows.push(await hostile(freshOptions, only))
  return rows
}

type Scene = (options: RigOptions, rounds: number, stack: Stack) => Promise<Row>

const SCENES: Readonly<Record<string, Scene>> = {
  kills: (options, rounds) => kills(rounds, options),
  rebalances: (options, rounds) => rebalances(Math.ceil(rounds * REBALANCES_PER_ROUND), options),
  frozen,
  spool: (options, rounds, stack) => spool(stack, options, rounds * OUTAGE_MS_PER_ROUND),
  failing: (options, rounds) => manyFailing(rounds * FAILING_PER_ROUND, options),
}

const HOSTILE = 'hostile'

/** On a stack of three brokers, which takes a minute to start: only when it is asked for. */
const CLUSTER_SCENES = {
  cluster: tortureCluster,
  'cluster-producer': tortureProducer,
}

async function onBench(rounds: number, scene: string): Promise<boolean> {
  const stack = await startStack('bench', { report: (line) => console.log(line) })
  try {
    const rows = await torture(stack, rounds, scene)
    for (const { scene, figures, isBroken } of rows) {
      console.log(`\n${scene}: ${isBroken ? 'BROKEN' : 'kept its promises'}`)
      console.table(figures)
    }
    return rows.every(({ isBroken }) => !isBroken)
  } finally {
    await stack.stop()
  }
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    scene: { type: 'string', default: '' },
    /** Of the scene `cluster`: that part of it alone; of `hostile`: that row of the table. */
    only: { type: 'string', default: '' },
  },
})
const { scene, only } = values
const rounds = Number(values.rounds)
const names = [...Object.keys(SCENES), HOSTILE, ...Object.keys(CLUSTER_SCENES)]
if (scene !== '' && !names.includes(scene)) {
  console.error(`There is no scene '${scene}'. Choose one of: ${names.join(', ')}.`)
  process.exit(2)
}
const isKept =
  scene === 'cluster' || scene === 'cluster-producer'
    ? await CLUSTER_SCENES[scene]({ rounds, only })
    : await onBench(rounds, scene)
process.exitCode = isKept ? 0 : 1
