import { readFileSync } from 'node:fs'
import { projectPath } from '../../services/shared/project-path.ts'
import { alerts } from '../support/alert-rules.ts'
import { type Entry, entriesOf, wordsOf } from './page.ts'

/** Which entry of which page each alert leads to. */

export interface AlertEntry extends Entry {
  /** Path of its page, from the project's root. */
  readonly page: string
}

const REPOSITORY = 'https://github.com/call-webhook/call-webhook/blob/main/'

/** Keys: names of all alerts. @throws when one leads nowhere. */
export function entriesByAlert(): ReadonlyMap<string, AlertEntry> {
  const pages = new Map<string, readonly Entry[]>()
  return new Map(
    alerts.map(({ alert, annotations }) => {
      const [page = '', anchor] = (annotations['runbook_url'] ?? '')
        .slice(REPOSITORY.length)
        .split('#')
      const entries = pages.get(page) ?? entriesOf(readFileSync(projectPath(page), 'utf8'))
      pages.set(page, entries)
      const entry = entries.find((each) => each.anchor === anchor)
      if (entry === undefined) throw new Error(`${alert}: no entry ${anchor} in ${page}`)
      return [alert, { ...entry, page }]
    }),
  )
}

/** Which the commands of all pages are written with. */
export function runbookWords(): string {
  return wordsOf(readFileSync(projectPath('services/dispatcher/README.md'), 'utf8'))
}
