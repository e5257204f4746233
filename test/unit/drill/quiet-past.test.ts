import { expect, it } from 'vitest'
import { quietPast } from '../../drill/quiet-past.ts'

it('the past of a drill is six hours of events in time, up to now', () => {
  const lines = quietPast({ until: 1_780_000_000_500, rate: 10 }).split('\n')

  const samples = (suffix: string) =>
    lines
      .filter((line) => line.includes(`_seconds_${suffix}`))
      .map((line) => line.split(' ').slice(1))
  const inTime = samples('bucket').slice(0, samples('count').length)
  expect(samples('count')).toEqual(inTime)
  expect(samples('count').at(0)).toEqual(['0', '1779978400'])
  expect(samples('count').at(-1)).toEqual(['216000', '1780000000'])
  expect(lines.slice(-2)).toEqual(['# EOF', ''])
})
