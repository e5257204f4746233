import { describe, expect, it } from 'vitest'
import {
  exitCodeOf,
  type Outcome,
  problemsOf,
  renderOutcome,
  renderTable,
} from '../../drill/verdict.ts'

const NO_PAGE = { kind: 'no page', because: 'the other one takes over' } as const
const STALLED = alert('CommitsStalled', 95_000)

describe('the verdict on a scene of the drill', () => {
  it.each<[string, Partial<Outcome>, readonly string[]]>([
    ['nothing wrong when its alert fired and all was delivered', {}, []],
    ['a call that was lost', { lost: ['ws-1/7'] }, ['1 lost: ws-1/7']],
    ['a call out of order', { outOfOrder: ['ws-1/7'] }, ['1 out of order: ws-1/7']],
    ['an alert that did not fire', { alerts: [] }, ['CommitsStalled did not fire']],
    [
      'an alert that fired before the break already',
      { alerts: [], ignored: ['CommitsStalled'] },
      ['CommitsStalled did not fire anew: it had fired before'],
    ],
    [
      'an outage that nobody was told of',
      { expected: NO_PAGE, alerts: [], longestWaitMs: 159_000 },
      ['calls waited for up to 159 s, and nobody was told'],
    ],
    [
      'a page where nobody is to be woken',
      { expected: NO_PAGE },
      ['CommitsStalled woke somebody, although the other one takes over'],
    ],
    [
      'nothing wrong with a ticket where nobody is to be woken',
      { expected: NO_PAGE, alerts: [alert('SpoolNotEmpty', 1, 'ticket')], longestWaitMs: 20_000 },
      [],
    ],
    ['nothing wrong with what is repeated or refused', { repeated: 9, refused: 3 }, []],
    [
      'a refusal where nobody is to be refused',
      { expected: { ...NO_PAGE, refusedMax: 0 }, alerts: [], longestWaitMs: 1_000, refused: 3 },
      ['3 refused'],
    ],
  ])('finds %s', (_what, overrides, expected) => {
    const outcome = anOutcome(overrides)

    expect(problemsOf(outcome)).toEqual(expected)
    expect(exitCodeOf([anOutcome({}), outcome])).toBe(expected.length > 0 ? 1 : 0)
  })

  it('names a few of many', () => {
    const lost = Array.from({ length: 9 }, (_, index) => `ws/${index}`)

    expect(problemsOf(anOutcome({ lost }))).toEqual(['9 lost: ws/0, ws/1, ws/2, ws/3, ws/4 …'])
  })
})

describe('what is printed of a scene', () => {
  it('says when the alert fired and cleared, and when all was delivered', () => {
    const text = renderOutcome(anOutcome({ notes: ['mind the gap'] }))

    expect(text).toContain('page CommitsStalled after 95 s, cleared 20 s after the repair')
    expect(text).toContain('repaired after 100 s, all that was accepted delivered 4.2 s later')
    expect(text).toContain('mind the gap')
    expect(text).not.toContain('FAILED')
  })

  it('says what is wrong', () => {
    expect(renderOutcome(anOutcome({ lost: ['ws-1/7'] }))).toContain('FAILED: 1 lost: ws-1/7')
  })

  it('tells what nobody can bring back, which is not lost', () => {
    const outcome = anOutcome({ gone: 7 })

    expect(renderOutcome(outcome)).toContain('7 gone: they were in the log that is lost')
    expect(renderTable([outcome])).toContain('| 0 (7 gone) |')
    expect(problemsOf(outcome)).toEqual([])
  })

  it('is a row of the table of the README', () => {
    const quiet = anOutcome({ broken: 'one frozen', expected: NO_PAGE, alerts: [] })

    const rows = renderTable([anOutcome({}), quiet]).split('\n')

    expect(rows[2]).toBe('| Kafka killed | CommitsStalled | 95 s | 0 | 0 | 2 | 0 | 104 s | 4.2 s |')
    expect(rows[3]).toBe('| one frozen | none |  | 0 | 0 | 2 | 0 | 104 s | 4.2 s |')
  })
})

function alert(name: string, firedAt: number, severity = 'page') {
  return { name, severity, firedAt, clearedAt: 120_000 }
}

function anOutcome(overrides: Partial<Outcome>): Outcome {
  return {
    scene: 'broker',
    broken: 'Kafka killed',
    expected: { kind: 'alert', name: 'CommitsStalled' },
    brokeAt: 0,
    repairedAt: 100_000,
    alerts: [STALLED],
    ignored: [],
    accepted: 1_300,
    lost: [],
    gone: 0,
    goneBecause: 'they were in the log that is lost',
    outOfOrder: [],
    repeated: 2,
    refused: 0,
    longestWaitMs: 104_000,
    caughtUpAt: 104_200,
    notes: [],
    ...overrides,
  }
}
