import { describe, expect, it } from 'vitest'
import { type AlertPoll, type SeenAlert, timetableOf } from '../../drill/alert-timetable.ts'

const BROKE_AT = 1_000

describe('the timetable of a drill', () => {
  it('has the first poll that saw an alert firing, and the one that did not see it any more', () => {
    const polls = [
      poll(2_000, alert('EventsLate', 'pending')),
      poll(3_000, alert('EventsLate')),
      poll(4_000, alert('EventsLate')),
      poll(5_000),
    ]

    expect(timetableOf(polls, BROKE_AT).fired).toEqual([
      { name: 'EventsLate', severity: 'page', firedAt: 3_000, clearedAt: 5_000 },
    ])
  })

  it('leaves out what was only pending', () => {
    expect(timetableOf([poll(2_000, alert('EventsLate', 'pending'))], BROKE_AT).fired).toEqual([])
  })

  it('takes an alert that comes back for one that has not cleared', () => {
    const polls = [poll(2_000, alert('EventsLate')), poll(3_000), poll(4_000, alert('EventsLate'))]

    expect(timetableOf(polls, BROKE_AT).fired).toMatchObject([{ firedAt: 2_000, clearedAt: null }])
  })

  it('tells alerts in the order in which they fired, once however many labels fire', () => {
    const polls = [
      poll(2_000, alert('CommitsStalled'), alert('CommitsStalled')),
      poll(3_000, alert('EventsLate'), alert('CommitsStalled')),
    ]

    const names = timetableOf(polls, BROKE_AT).fired.map(({ name }) => name)

    expect(names).toEqual(['CommitsStalled', 'EventsLate'])
  })

  it('ignores what fired when nothing was broken yet, even if it fires again', () => {
    const polls = [
      poll(500, alert('FirstAttemptBudgetBurns')),
      poll(2_000),
      poll(3_000, alert('FirstAttemptBudgetBurns')),
    ]

    expect(timetableOf(polls, BROKE_AT)).toEqual({
      fired: [],
      ignored: ['FirstAttemptBudgetBurns'],
    })
  })

  it('does not ignore what had cleared before the break', () => {
    const polls = [poll(500, alert('EventsLate')), poll(900), poll(2_000, alert('EventsLate'))]

    expect(timetableOf(polls, BROKE_AT)).toMatchObject({
      fired: [{ name: 'EventsLate', firedAt: 2_000 }],
      ignored: [],
    })
  })
})

function poll(at: number, ...alerts: readonly SeenAlert[]): AlertPoll {
  return { at, alerts }
}

function alert(name: string, state = 'firing'): SeenAlert {
  return { name, severity: 'page', state }
}
