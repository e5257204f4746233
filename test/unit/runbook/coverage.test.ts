import { describe, expect, it } from 'vitest'
import { entriesByAlert, runbookWords } from '../../runbook/alert-entries.ts'
import { type Covered, uncovered } from '../../runbook/coverage.ts'
import { byHand, type Incident, notHere, page } from '../../runbook/incident.ts'
import { INCIDENTS, UNPLAYED } from '../../runbook/incidents.ts'

const READ = 'Why'
const MEND = 'Mends it'

function incident(...steps: Incident['steps']): Incident {
  return { broken: 'it', break: async () => async () => undefined, steps }
}

function covered(overrides: Partial<Covered> = {}): Covered {
  const blocks = [READ, MEND].map((title) => ({ title, commands: 'true\n' }))
  return {
    entries: new Map([['Alert', { anchor: 'an-entry', blocks }]]),
    incidents: { Alert: incident(page(READ), byHand('the broker'), page(MEND)) },
    unplayed: {},
    ...overrides,
  }
}

describe('the runbook drill', () => {
  it('has an incident for each alert, and plays each command of each page', () => {
    expect(
      uncovered({ entries: entriesByAlert(), incidents: INCIDENTS, unplayed: UNPLAYED }),
    ).toEqual([])
  })

  it('finds the words that the commands are written with', () => {
    for (const word of ['logs', 'ask', 'api']) expect(runbookWords()).toContain(`${word}() {`)
  })
})

describe('what does not belong together', () => {
  it.each<[string, Partial<Covered>, readonly string[]]>([
    ['nothing', {}, []],
    ['an alert without an incident', { incidents: {} }, ['Alert has no incident']],
    ['an alert that is left out with a reason', { incidents: {}, unplayed: { Alert: 'it' } }, []],
    [
      'an incident and a reason not to play it',
      { unplayed: { Alert: 'it' } },
      ['Alert has an incident, and a reason not to play it'],
    ],
    [
      'an incident without an alert',
      { unplayed: { Gone: 'it' } },
      ['there is no alert Gone, but an incident of it'],
    ],
    [
      'an entry without commands',
      {
        entries: new Map([['Alert', { anchor: 'an-entry', blocks: [] }]]),
        incidents: {},
        unplayed: { Alert: 'it' },
      },
      ['Alert: its entry an-entry has no commands'],
    ],
    [
      'a command that no incident runs',
      { incidents: { Alert: incident(page(READ)) } },
      ["an-entry: no incident runs 'Mends it'"],
    ],
    [
      'a command that says why nobody runs it here',
      { incidents: { Alert: incident(page(READ), notHere(MEND, 'it is of another broker')) } },
      [],
    ],
    [
      'such a command that is not on the page',
      { incidents: { Alert: incident(page(READ), page(MEND), notHere('Prays', 'nobody hears')) } },
      ["Alert: its entry has no commands under 'Prays'"],
    ],
    [
      'an incident that runs nothing of its entry',
      { incidents: { Alert: incident(notHere(READ, 'no'), notHere(MEND, 'no')) } },
      ['Alert: nobody reads its entry'],
    ],
    [
      'a command that is not on the page',
      { incidents: { Alert: incident(page(READ), page(MEND), page('Prays')) } },
      ["Alert: its entry has no commands under 'Prays'"],
    ],
    [
      'an incident in which nobody reads the page',
      { incidents: { Alert: incident(byHand('the broker')) } },
      [
        'Alert: nobody reads its entry',
        "an-entry: no incident runs 'Why'",
        "an-entry: no incident runs 'Mends it'",
      ],
    ],
  ])('is told: %s', (_what, overrides, told) => {
    expect(uncovered(covered(overrides))).toEqual(told)
  })
})
