import type { Incident } from './incident.ts'
import type { Entry } from './page.ts'

/** Whether pages, alerts and incidents belong together: what does not is told in a sentence. Pure. */

export interface Covered {
  /** By the alert's name. */
  readonly entries: ReadonlyMap<string, Entry>
  /** By the alert's name. */
  readonly incidents: Readonly<Record<string, Incident>>
  /** By the alert's name: why nobody plays it. */
  readonly unplayed: Readonly<Record<string, string>>
}

/** Empty when all is as it should be. */
export function uncovered({ entries, incidents, unplayed }: Covered): readonly string[] {
  const planned = [...Object.keys(incidents), ...Object.keys(unplayed)]
  const doubles = Object.keys(incidents).filter((alert) => alert in unplayed)
  return [
    ...[...entries.keys()]
      .filter((alert) => !planned.includes(alert))
      .map((alert) => `${alert} has no incident`),
    ...planned
      .filter((alert) => !entries.has(alert))
      .map((alert) => `there is no alert ${alert}, but an incident of it`),
    ...doubles.map((alert) => `${alert} has an incident, and a reason not to play it`),
    ...[...entries].flatMap(([alert, entry]) => withoutCommands(alert, entry)),
    ...Object.entries(incidents).flatMap(([alert, incident]) =>
      notOnPage(alert, incident, entries.get(alert)),
    ),
    ...neverRun({ entries, incidents }),
  ]
}

function withoutCommands(alert: string, { anchor, blocks }: Entry): string[] {
  return blocks.length > 0 ? [] : [`${alert}: its entry ${anchor} has no commands`]
}

function notOnPage(alert: string, { steps }: Incident, entry: Entry | undefined): string[] {
  if (!steps.some(({ kind }) => kind === 'page')) return [`${alert}: nobody reads its entry`]
  const known = new Set(entry?.blocks.map(({ title }) => title))
  return titlesOf(steps)
    .filter((title) => !known.has(title))
    .map((title) => `${alert}: its entry has no commands under '${title}'`)
}

/** Commands of an entry all of whose alerts have incidents, and which none of them runs, or says why not. */
function neverRun({ entries, incidents }: Omit<Covered, 'unplayed'>): string[] {
  const anchors = new Map<string, { readonly entry: Entry; readonly alerts: string[] }>()
  for (const [alert, entry] of entries) {
    const seen = anchors.get(entry.anchor) ?? { entry, alerts: [] }
    anchors.set(entry.anchor, { entry, alerts: [...seen.alerts, alert] })
  }
  return [...anchors.values()].flatMap(({ entry, alerts }) => {
    if (alerts.some((alert) => incidents[alert] === undefined)) return []
    const run = new Set(alerts.flatMap((alert) => titlesOf(incidents[alert]?.steps ?? [])))
    return entry.blocks
      .filter(({ title }) => !run.has(title))
      .map(({ title }) => `${entry.anchor}: no incident runs '${title}'`)
  })
}

function titlesOf(steps: Incident['steps']): string[] {
  return steps.flatMap((step) => ('title' in step ? [step.title] : []))
}
