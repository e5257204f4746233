import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { dataFolder, type Profile, profileOf } from '../../deploy/local/profiles.ts'
import { findPrometheus } from '../../deploy/local/prometheus.ts'
import { startStack } from '../../deploy/local/stack.ts'
import { StackError } from '../../deploy/local/stack-error.ts'
import { type Ground, openSite } from '../drill/site.ts'
import { RULE_FILES } from '../support/alert-rules.ts'
import { entriesByAlert } from './alert-entries.ts'
import { deploymentsOf } from './deployments.ts'
import type { Incident } from './incident.ts'
import { INCIDENTS } from './incidents.ts'
import { type PlayedIncident, playIncident } from './play.ts'
import { shortenedRules } from './shortened-rules.ts'
import { Volume } from './volume.ts'

/**
 * `make runbook-drill`, or one incident of it by `ALERT=PartitionsUnowned`: brings each alert about on
 * real servers, does what its entry in the runbook says, literally, and looks whether it is over then.
 * By the rules of production with an hour as long as a minute; `make drill` measures by the rules as
 * they are.
 */

const say = (line: string) => console.log(line)

interface Chosen {
  readonly incident: Incident
  readonly alerts: readonly string[]
}

/** Alerts that one incident brings about are played together. @throws with what there is to choose from. */
function chosenIncidents(name: string): readonly Chosen[] {
  const all = [...new Set(Object.values(INCIDENTS))].map((incident) => ({
    incident,
    alerts: Object.keys(INCIDENTS).filter((alert) => INCIDENTS[alert] === incident),
  }))
  const chosen = all.filter(({ alerts }) => name === '' || alerts.includes(name))
  if (chosen.length > 0) return chosen
  throw new StackError(
    `There is no incident of '${name}'. Choose one of: ${Object.keys(INCIDENTS).join(', ')}.`,
  )
}

async function play(ground: Ground, { incident, alerts }: Chosen): Promise<PlayedIncident> {
  const [first = ''] = alerts
  say(`\n  ${alerts.join(', ')}`)
  const entry = entriesByAlert().get(first)
  if (entry === undefined) throw new StackError(`There is no alert ${first}.`)
  const volume = await Volume.start(dataFolder(ground.profile, 'kafka'))
  try {
    const own = { env: incident.env ?? {}, targets: { kubelet: [volume.port] } }
    const site = await openSite(`runbook-${first.toLowerCase()}`, { ...ground, ...own })
    try {
      const stage = { site, volume, deployments: deploymentsOf(site) }
      return await playIncident({ incident, alerts, entry, say }, stage)
    } finally {
      await site.close()
    }
  } finally {
    await volume.stop()
  }
}

/** The others are played all the same. */
function notPlayed({ alerts, incident: { broken } }: Chosen, error: Error): PlayedIncident {
  say(`  ${error.stack ?? error.message}`)
  return { alerts, broken, firedAfterS: null, overAfterS: null, problems: [error.message] }
}

/** Answers the files of the shortened rules. */
function writeShortenedRules({ folder }: Profile): readonly string[] {
  const target = join(folder, 'data', 'runbook-rules')
  mkdirSync(target, { recursive: true })
  return RULE_FILES.map((file) => {
    const shortened = join(target, basename(file))
    writeFileSync(shortened, shortenedRules(readFileSync(file, 'utf8')))
    return shortened
  })
}

function rowOf({ alerts, broken, firedAfterS, overAfterS }: PlayedIncident): string {
  const seconds = (value: number | null) => (value === null ? 'never' : `${value} s`)
  const names = alerts.map((alert) => `\`${alert}\``).join(', ')
  return `| ${names} | ${broken} | ${seconds(firedAfterS)} | ${seconds(overAfterS)} |`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { alert: { type: 'string', default: '' } } })
  const chosen = chosenIncidents(values.alert)
  const programs = await findPrometheus(say)
  if ('missing' in programs) {
    throw new StackError(`A drill without alerts shows nothing. ${programs.missing}.`)
  }
  const profile = profileOf('bench')
  const stack = await startStack('bench', { report: say })
  const played: PlayedIncident[] = []
  try {
    const rules = { files: writeShortenedRules(profile), everySeconds: 1 }
    for (const each of chosen) {
      const ground = { profile, stack, programs, rules }
      played.push(await play(ground, each).catch((error: Error) => notPlayed(each, error)))
    }
  } finally {
    await stack.stop()
  }
  say(`\n| alert | incident | fired after | over after |\n| --- | --- | --- | --- |`)
  say(played.map(rowOf).join('\n'))
  for (const { alerts, problems } of played) {
    for (const problem of problems) say(`  FAILED: ${alerts.join()}: ${problem}`)
  }
  process.exitCode = played.some(({ problems }) => problems.length > 0) ? 1 : 0
}

try {
  await main()
} catch (error) {
  console.error(error instanceof StackError ? `\n${error.message}` : error)
  process.exitCode = 1
}
