import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { RULES_FOLDER, scrapeConfig } from '../../../deploy/local/prometheus.ts'
import { projectPath } from '../../../services/shared/project-path.ts'
import { alerts, cases } from '../../support/alert-rules.ts'

const REPOSITORY = 'https://github.com/call-webhook/call-webhook/blob/main/'

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function anchorsIn(path: string): string[] {
  const headings = readFileSync(projectPath(path), 'utf8').matchAll(/^#{2,4} (.+)$/gm)
  return [...headings].map(([, heading = '']) => anchorOf(heading))
}

/** Whether a case of promtool expects the alert to fire, and whether one expects it not to. */
function verdictsOn(alert: string): Set<'fires' | 'keeps quiet'> {
  const asked = cases
    .flatMap((each) => each.promql_expr_test)
    .filter(({ expr }) => expr.includes(`alertname="${alert}"`))
  return new Set(asked.map(({ exp_samples }) => (exp_samples.length > 0 ? 'fires' : 'keeps quiet')))
}

describe('each alert', () => {
  it.each(alerts)('$alert says how urgent it is, and what is wrong', ({ labels, annotations }) => {
    expect(['page', 'ticket']).toContain(labels['severity'])
    expect(annotations['summary']).toMatch(/\w/)
    expect(annotations['description']).toMatch(/\w/)
  })

  it.each(alerts)('$alert tells namespaces apart in all that it adds up', ({ expr }) => {
    const added = [...expr.matchAll(/\b(sum|min|max|avg|count|group)\b(?: by \(([^)]*)\))?\s*\(/g)]

    // Else what befalls staging rings for production, or hides what befalls that.
    for (const [found, , labels = ''] of added)
      expect(`${found} ${labels}`).toMatch(/\bnamespace\b/)
  })

  it.each(alerts)('$alert leads to a runbook entry that is there', ({ annotations }) => {
    const [page = '', anchor] = (annotations['runbook_url'] ?? '').split('#')

    expect(page.startsWith(REPOSITORY)).toBe(true)
    expect(anchorsIn(page.slice(REPOSITORY.length))).toContain(anchor)
  })

  it.each(alerts)('$alert has a case that fires and one that does not', ({ alert }) => {
    expect([...verdictsOn(alert)].sort()).toEqual(['fires', 'keeps quiet'])
  })

  it('has a name of its own', () => {
    const names = alerts.map(({ alert }) => alert)

    expect(names.length).toBeGreaterThan(10)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('the scrape configuration of a local stack', () => {
  it('asks each port on this machine, with the rules of the project', () => {
    const config = scrapeConfig({ targets: { dispatcher: [9102, 9112] }, everySeconds: 5 })

    expect(parse(config)).toMatchObject({
      global: { scrape_interval: '5s', evaluation_interval: '5s' },
      rule_files: [`${RULES_FOLDER}/*.yml`],
      scrape_configs: [
        {
          job_name: 'dispatcher',
          static_configs: [{ targets: ['127.0.0.1:9102', '127.0.0.1:9112'] }],
        },
      ],
    })
  })
})
