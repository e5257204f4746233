import { loadavg } from 'node:os'
import type { PrometheusPrograms } from '../../../deploy/local/prometheus.ts'
import type { Stack } from '../../../deploy/local/stack.ts'
import { systemClock } from '../../../services/shared/clock.ts'
import { timetableOf } from '../../drill/alert-timetable.ts'
import { clusterOf } from '../../support/cluster.ts'
import { openStage, type Stage } from './stage.ts'
import { judgeStage, type Outcome, orProblem, time } from './verdict.ts'

/** Something that is done to the cluster, or to the product on it, while calls come in. */
export interface ClusterScene {
  readonly name: string
  /** Further environment of all services. */
  readonly env?: Readonly<Record<string, string>>
  readonly play: (stage: Stage) => Promise<void>
}

/** Calls that come in before and after, while all is well. */
const BEFORE_MS = 5_000
const AFTER_MS = 10_000

/**
 * Leaves the cluster in good health, whatever became of the scene.
 * `prometheus`: to tell which alerts rang.
 */
export async function playScene(
  scene: ClusterScene,
  stack: Stage['stack'],
  prometheus?: PrometheusPrograms,
): Promise<Outcome> {
  await mend(stack)
  // Has the topic of all groups' offsets made, which takes the brokers seconds.
  await clusterOf(stack.brokers).coordinatorOf('nobody')
  const stage = await openStage(stack, { env: scene.env, prometheus })
  try {
    await systemClock.sleep(BEFORE_MS)
    await orProblem(stage, () => scene.play(stage))
    await orProblem(stage, () => mend(stack))
    step(stage, 'all is well again')
    // Times of a machine that others work on, too, say little without it.
    stage.log.notes.push(`load of the machine ${loadavg()[0]?.toFixed(0)}`)
    await systemClock.sleep(AFTER_MS)
    noteAlerts(stage)
    return await judgeStage(stage)
  } finally {
    await mend(stack)
    await stage.close()
  }
}

/** Says what is done next, to the figures and to whoever looks on. */
export function step({ log }: Stage, what: string): void {
  const at = Date.now()
  log.steps.push({ at, what })
  console.log(`  ${time(at)} ${what}`)
}

function noteAlerts({ alerts, log }: Stage): void {
  const [broke] = log.steps
  if (alerts === null || broke === undefined) return
  const { fired } = timetableOf(alerts.polls, broke.at)
  const rang = fired.map(
    ({ name, severity, firedAt }) => `${name} (${severity}) after ${seconds(firedAt - broke.at)}`,
  )
  log.notes.push(`alerts: ${rang.join(', ') || 'none'}`)
}

async function mend({ brokers }: Pick<Stack, 'brokers'>): Promise<void> {
  // One that was killed cannot be thawed, and has no need of it.
  await Promise.allSettled(brokers.map((broker) => broker.thaw()))
  await Promise.all(brokers.map((broker) => broker.start()))
  await clusterOf(brokers).untilHealed()
}

/** What has to be nought, whatever was done. */
export function brokenPromises(outcome: Outcome): Readonly<Record<string, readonly string[]>> {
  const { notInLog, lost, outOfOrder, overlaps, unexplained, duplicatesInLog, problems } = outcome
  const all = { notInLog, lost, outOfOrder, overlaps, unexplained, duplicatesInLog, problems }
  return Object.fromEntries(Object.entries(all).filter(([, found]) => found.length > 0))
}

const NAMED_MAX = 10

export function renderOutcome(name: string, outcome: Outcome): string {
  const { accepted, refused, lost, notInLog, outOfOrder, overlaps, repeated, unexplained } = outcome
  const counts = [
    `accepted ${accepted}`,
    `refused ${refused}`,
    `lost ${lost.length}`,
    `not in log ${notInLog.length}`,
    `out of order ${outOfOrder.length}`,
    `overlaps ${overlaps.length}`,
    `repeated ${repeated} (${unexplained.length} unexplained)`,
    `duplicates in log ${outcome.duplicatesInLog.length}`,
    `longest wait ${seconds(outcome.longestWaitMs)}`,
    `longest answer ${seconds(outcome.longestAnswerMs)}`,
    `recovery ${seconds(Math.max(...outcome.aftermath.map(({ recoveryMs }) => recoveryMs)))}`,
  ]
  const broken = Object.entries(brokenPromises(outcome))
  return [
    `${name}: ${counts.join('   ')}   ${broken.length > 0 ? 'BROKEN' : 'kept its promises'}`,
    ...outcome.aftermath.map(
      ({ at, what, longestWaitMs, recoveryMs, lateWorkspaces }) =>
        `  ${time(at)} ${what}: longest wait ${seconds(longestWaitMs)}, recovery ${seconds(recoveryMs)}, ${lateWorkspaces} workspaces late`,
    ),
    ...outcome.notes.map((note) => `  ${note}`),
    ...broken.flatMap(([what, found]) =>
      found.slice(0, NAMED_MAX).map((one) => `  ${what}: ${one}`),
    ),
  ].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
