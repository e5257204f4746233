import { systemClock } from '../../services/shared/clock.ts'
import { firingIn } from '../drill/alert-timetable.ts'
import { within } from '../drill/play.ts'
import { OPERATOR_TOKEN } from '../support/product.ts'
import { type AlertEntry, runbookWords } from './alert-entries.ts'
import { startHands } from './hands.ts'
import type { Incident, Repair, Stage, Step } from './incident.ts'
import { kafkaScriptsOn } from './kafka-scripts.ts'
import { kubectlOn } from './kubectl.ts'
import { runCommands } from './shell.ts'

/** One incident, from the alert to its end, with nothing done about it but what the page says. */

export interface PlayedIncident {
  readonly alerts: readonly string[]
  readonly broken: string
  /** Seconds from the break until the last of its alerts fired; null: not all of them did. */
  readonly firedAfterS: number | null
  /** Seconds from the first command until none of them fired any more; null: they still do. */
  readonly overAfterS: number | null
  /** Empty when all went as it should. */
  readonly problems: readonly string[]
}

export interface Plot {
  readonly incident: Incident
  /** All of them have to fire. */
  readonly alerts: readonly string[]
  readonly entry: AlertEntry
  readonly say: (line: string) => void
}

/** Counters that appear only after a while are 0 before, for a rule that compares. */
const WARM_UP_MS = 15_000
const FIRES_WITHIN_MS = 12 * 60_000
const CLEARS_WITHIN_MS = 8 * 60_000
const PRINTED_MAX = 1_500

export async function playIncident(plot: Plot, stage: Stage): Promise<PlayedIncident> {
  const { incident, alerts, say } = plot
  await systemClock.sleep(incident.warmUpMs ?? WARM_UP_MS)
  const early = alerts.filter((alert) => stage.site.alerts.isFiring(alert))
  if (early.length > 0) throw new Error(`${early.join()} fires before anything was broken.`)
  const brokeAt = Date.now()
  say(`  ${incident.broken}`)
  const repair = once(await incident.break(stage))
  try {
    const firedAfterS = await untilAllFired(plot, stage, brokeAt)
    if (firedAfterS === null) {
      const problems = [`not fired: ${alerts.filter((a) => !stage.site.alerts.isFiring(a)).join()}`]
      return { alerts, broken: incident.broken, firedAfterS, overAfterS: null, problems }
    }
    const readAt = Date.now()
    const problems = await follow(plot, stage, repair)
    const isOver = () => alerts.every((alert) => !stage.site.alerts.isFiring(alert))
    const overAfterS = (await within(CLEARS_WITHIN_MS, isOver)) ? secondsSince(readAt) : null
    say(overAfterS === null ? '  it still fires' : `  over after ${overAfterS} s`)
    const last = overAfterS === null ? ['the alert is not over'] : []
    return {
      alerts,
      broken: incident.broken,
      firedAfterS,
      overAfterS,
      problems: [...problems, ...last],
    }
  } finally {
    await repair()
  }
}

/** Each has to have fired, not all at once: some are over when the last one begins, or it is broken. */
async function untilAllFired(
  { alerts, say }: Plot,
  { site }: Stage,
  brokeAt: number,
): Promise<number | null> {
  const fired = new Set<string>()
  const haveAll = () => {
    const seen = site.alerts.polls.filter(({ at }) => at >= brokeAt).flatMap(firingIn)
    for (const alert of alerts) {
      if (fired.has(alert) || !seen.some(({ name }) => name === alert)) continue
      fired.add(alert)
      say(`  ${alert} fires after ${secondsSince(brokeAt)} s`)
    }
    return fired.size === alerts.length
  }
  return (await within(FIRES_WITHIN_MS, haveAll)) ? secondsSince(brokeAt) : null
}

/** Does what the page says, in this order. Answers what went wrong, and goes on after it. */
async function follow(plot: Plot, stage: Stage, repair: Repair): Promise<readonly string[]> {
  const { env } = stage.site.product
  const programs = { kubectl: kubectlOn(stage, env), ...kafkaScriptsOn(env) }
  const hands = await startHands(programs)
  const problems: string[] = []
  const shell = {
    preamble: `${hands.preamble}\n${runbookWords()}`,
    env: variablesOf(plot.incident, stage),
  }
  try {
    for (const step of plot.incident.steps) {
      if (step.kind === 'by hand') {
        plot.say(`  by hand: ${step.what}`)
        await repair()
        continue
      }
      if (step.kind === 'not here') {
        plot.say(`  not here: ${step.title} (${step.why})`)
        continue
      }
      problems.push(...(await runStep(step, plot, shell)))
    }
  } finally {
    await hands.close()
  }
  return problems
}

async function runStep(
  { title, shows }: Extract<Step, { kind: 'page' }>,
  { entry, say }: Plot,
  shell: Parameters<typeof runCommands>[1],
): Promise<readonly string[]> {
  const block = entry.blocks.find((each) => each.title === title)
  if (block === undefined) return [`the page has no commands under '${title}'`]
  say(`  ${title}:\n${indented(block.commands)}`)
  const { exitCode, printed } = await runCommands(block.commands, shell)
  say(indented(printed.slice(0, PRINTED_MAX)))
  return [
    ...(exitCode === 0 ? [] : [`'${title}' ends with ${exitCode}`]),
    ...(shows === undefined || shows.test(printed) ? [] : [`'${title}' does not show ${shows}`]),
  ]
}

/** What the head of each runbook asks for. */
function variablesOf({ variables }: Incident, stage: Stage): Readonly<Record<string, string>> {
  const { product, workspaceIds, prometheusUrl } = stage.site
  const { env } = product
  return {
    PATH: env['PATH'] ?? '',
    DATABASE_URL: env['DATABASE_URL'] ?? '',
    CONSOLE_URL: `http://127.0.0.1:${env['CONSOLE_PORT']}`,
    NORMALIZER_URL: env['NORMALIZER_PUBLIC_URL'] ?? '',
    OPERATOR_TOKEN,
    PROMETHEUS_URL: prometheusUrl,
    KAFKA: `--bootstrap-server ${env['KAFKA_BROKERS']}`,
    TOPIC_PREFIX: env['TOPIC_PREFIX'] ?? '',
    WORKSPACE_ID: workspaceIds[0] ?? '',
    ...variables?.(stage),
  }
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, '      ')
}

function once(repair: Repair): Repair {
  let repaired: Promise<unknown> | null = null
  return () => {
    repaired ??= repair()
    return repaired
  }
}

function secondsSince(at: number): number {
  return Math.round((Date.now() - at) / 1_000)
}
