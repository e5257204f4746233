import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { shortenedExpression, shortenedRules } from '../../runbook/shortened-rules.ts'
import { alerts, RULE_FILES } from '../../support/alert-rules.ts'

describe('the rules with an hour as long as a minute', () => {
  it.each([
    ['a range', 'increase(a_total[1h])', 'increase(a_total[60s])'],
    ['a range that would hold no two scrapes', 'rate(a_total[2m])', 'rate(a_total[4s])'],
    ['a subquery with its step', 'deriv(sum(a)[10m:30s])', 'deriv(sum(a)[10s:1s])'],
    ['a subquery without one', 'max_over_time(a[10m:])', 'max_over_time(a[10s:])'],
    ['an offset', 'increase(a_total[1d] offset 1h)', 'increase(a_total[1440s] offset 60s)'],
    ['no number', 'max(a_seconds) > 30', 'max(a_seconds) > 30'],
    ['no regular expression', 'a{le=~"1|1[.]0"}', 'a{le=~"1|1[.]0"}'],
  ])('shortens %s', (_what, expr, shortened) => {
    expect(shortenedExpression(expr)).toBe(shortened)
  })

  it('shortens what an alert waits for, to a second at least', () => {
    const rules = shortenedRules(
      'groups: [{ name: a, rules: [{ alert: A, expr: a, for: 5m }, { alert: B, expr: b, for: 15s }] }]',
    )

    expect(rules.match(/"for": "\d+s"/g)).toEqual(['"for": "5s"', '"for": "1s"'])
  })

  it('knows each duration of each rule, and leaves none out', () => {
    const all = RULE_FILES.map((file) => shortenedRules(readFileSync(file, 'utf8'))).join('')

    for (const { alert } of alerts) expect(all).toContain(`"alert": "${alert}"`)
    expect(all).not.toMatch(/\[\d+[mhdw]|offset \d+[mhdw]|"for": "\d+[mhdw]/)
  })

  it('refuses a duration that it does not know', () => {
    expect(() => shortenedExpression('rate(a_total[5y])')).toThrow("'5y' is no duration")
  })
})
