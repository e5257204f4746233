import { describe, expect, it } from 'vitest'
import {
  firstText,
  flag,
  id,
  list,
  number,
  numbered,
  object,
  seconds,
  tag,
  text,
  webUrl,
} from '../../../../services/normalizer/providers/wire-value.ts'

const NOTHING = ['', '  ', null, undefined, 'null', 'undefined', [], {}]

describe('wire values', () => {
  it.each(NOTHING)('takes %j for nothing', (value) => {
    expect([
      text(value),
      id(value),
      number(value),
      seconds(value),
      flag(value),
      tag(value),
    ]).toEqual([null, null, null, null, null, null])
  })

  it('trims text and keeps numbers as they are written', () => {
    expect([text(' Олена '), text(331851), text(true)]).toEqual(['Олена', '331851', null])
  })

  it.each(['-1', -1, '0', 0])('takes the id %j for nobody', (value) => {
    expect(id(value)).toBeNull()
  })

  it('keeps the leading zeros of an id', () => {
    expect(id('007')).toBe('007')
  })

  it.each([
    ['12', 12],
    [12, 12],
    ['12.6', 13],
    ['0', 0],
    ['-1', null],
    ['1e3', null],
    ['12 s', null],
    ['00:12', null],
    ['99999999999', null],
    [Number.MAX_VALUE, null],
  ])('reads the seconds %j as %j', (value, expected) => {
    expect(seconds(value)).toBe(expected)
  })

  it.each([
    [true, true],
    ['1', true],
    [1, true],
    ['Yes', true],
    ['TRUE', true],
    [false, false],
    ['0', false],
    ['no', false],
    ['maybe', null],
    ['2', null],
  ])('reads the flag %j as %j', (value, expected) => {
    expect(flag(value)).toBe(expected)
  })

  it('keeps (none) and (direct), which say something, and drops what was not set', () => {
    expect(['(none)', '(direct)', '(not set)', '(not provided)'].map(tag)).toEqual([
      '(none)',
      '(direct)',
      null,
      null,
    ])
  })

  it('never takes a list for an object, or the reverse', () => {
    expect([object([1]), object('a'), list({ 0: 1 }), list('a')]).toEqual([{}, {}, [], []])
  })

  it('keeps the order of numbers, whether a parser made a list or an object', () => {
    expect(numbered(['a', 'b'])).toEqual(['a', 'b'])
    expect(numbered({ '10': 'c', '9': 'b', '0': 'a' })).toEqual(['a', 'b', 'c'])
    expect(numbered('a')).toEqual([])
  })

  it('keeps an address byte for byte', () => {
    expect(webUrl(' https://a.example/x?t=1&amp;b=%20 ')).toBe('https://a.example/x?t=1&amp;b=%20')
    expect(webUrl('file.ogg')).toBeNull()
  })

  it('takes the first text that says something', () => {
    expect(firstText('', null, ' a ', 'b')).toBe('a')
    expect(firstText('', 'null')).toBeNull()
  })
})
