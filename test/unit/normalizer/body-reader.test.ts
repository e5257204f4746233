import { describe, expect, it } from 'vitest'
import { readBody, readQuery } from '../../../services/normalizer/body-reader.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const FORM = 'application/x-www-form-urlencoded'

const bytes = (text: string) => Buffer.from(text, 'utf8')
const parsed = (body: unknown) => ({ kind: 'parsed', body })

describe('body reader', () => {
  it.each([
    ['an empty body of any type', '', 'image/png', {}],
    ['JSON', '{"a":[1,null,"ї"]}', JSON_TYPE, { a: [1, null, 'ї'] }],
    ['JSON behind a byte order mark', '\uFEFF{"a":1}', JSON_TYPE, { a: 1 }],
    ['JSON of a vendor type', '{"a":1}', 'application/vnd.api+json', { a: 1 }],
    ['JSON that calls itself a form', '{"a":1}', FORM, { a: 1 }],
    ['JSON that calls itself text', ' [1]', 'text/plain', [1]],
    ['JSON without a type', '{"a":1}', undefined, { a: 1 }],
    ['a form without a type', 'a=1', undefined, { a: '1' }],
    ['brackets inside a string', `"${'['.repeat(100)}\\"["`, JSON_TYPE, `${'['.repeat(100)}"[`],
    ['a form', 'a=1+2&b=%D1%97&c=100%', FORM, { a: '1 2', b: 'ї', c: '100%' }],
    [
      "PHP's nested form",
      'callDetails%5BhistoryData%5D%5B0%5D%5Bbillsec%5D=17&callDetails[historyData][1][billsec]=4',
      FORM,
      { callDetails: { historyData: [{ billsec: '17' }, { billsec: '4' }] } },
    ],
    ['a repeated field as a list', 'to=1&to=2', FORM, { to: ['1', '2'] }],
  ])('reads %s', (_, body, type, expected) => {
    expect(readBody(bytes(body), type)).toEqual(parsed(expected))
  })

  it('reads windows-1251, raw and percent-encoded', () => {
    const raw = Buffer.concat([bytes('a='), Buffer.from([0xbf]), bytes('&b=%BF')])

    expect(readBody(raw, `${FORM}; charset=windows-1251`)).toEqual(parsed({ a: 'ї', b: 'ї' }))
  })

  it.each([
    ['unsupported', 'a picture', bytes('PNG'), 'image/png'],
    ['unsupported', 'multipart', bytes('--x'), 'multipart/form-data; boundary=x'],
    ['unsupported', 'plain words', bytes('hello'), 'text/plain'],
    ['unreadable', 'truncated JSON', bytes('{"a":'), JSON_TYPE],
    ['unreadable', 'a raw NUL in JSON', bytes('{"a":"\0"}'), JSON_TYPE],
    ['unreadable', 'invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), JSON_TYPE],
    ['unreadable', 'an invalid escape in a form', bytes('a=%FF'), FORM],
    ['unreadable', 'an unknown charset', bytes('{}'), 'application/json; charset=koi8-u'],
    ['too_deep', '10,000 nested lists', bytes('['.repeat(10_000)), JSON_TYPE],
    ['too_deep', '10,000 nested objects', bytes('{"a":'.repeat(10_000)), JSON_TYPE],
    ['too_deep', '100,000 fields', bytes('a=1&'.repeat(100_000)), FORM],
    ['too_deep', 'a field of 8 levels', bytes('a[b][c][d][e][f][g][h]=1'), FORM],
    ['too_deep', 'the list index 100000', bytes('a[100000]=1'), FORM],
    ['too_deep', '200 entries of one list', bytes('a[]=1&'.repeat(200)), FORM],
  ])('names as %s: %s', (kind, _, body, type) => {
    expect(readBody(body, type).kind).toBe(kind)
  })

  it('says nothing of the body in the detail', () => {
    const result = readBody(bytes('{"from":"+380671234567" oops'), JSON_TYPE)

    expect(JSON.stringify(result)).not.toContain('380671234567')
  })

  it('drops control characters, but for the tab and the ends of lines', () => {
    const body = bytes('{"a":"one\\u0007\\u001b[31m\\ttwo\\r\\n\\u0085three\\u007f"}')

    expect(readBody(body, JSON_TYPE)).toEqual(parsed({ a: 'one[31m\ttwo\r\nthree' }))
  })

  it('drops NUL and half surrogates, which the log cannot hold', () => {
    const body = bytes('{"a\\u0000":"x\\u0000y\\ud800z \\ud83d\\ude00"}')

    expect(readBody(body, JSON_TYPE)).toEqual(parsed({ a: 'xy\uFFFDz 😀' }))
  })

  it.each([
    [
      'JSON',
      '{"__proto__":{"x":1},"__proto__\\u0000":{"x":1},"constructor":{"prototype":1}}',
      JSON_TYPE,
    ],
    ['a form', '__proto__[x]=1&a[__proto__][x]=1&constructor[prototype]=1', FORM],
  ])('keeps prototypes out of reach in %s', (_, body, type) => {
    const result = readBody(bytes(body), type)

    expect(result).toMatchObject({ kind: 'parsed', body: { constructor: {} } })
    expect(Reflect.get((result as { body: object }).body, 'x')).toBeUndefined()
    expect(Reflect.get({}, 'x')).toBeUndefined()
  })

  it('never throws and never takes long, whatever the bytes', () => {
    let state = 1
    const random = () => {
      state = (state * 48_271) % 2_147_483_647
      return state
    }
    for (let round = 0; round < 500; round += 1) {
      const garbage = Buffer.from(Array.from({ length: random() % 400 }, () => random() % 256))
      for (const type of [JSON_TYPE, FORM, 'text/plain', undefined]) readBody(garbage, type)
      readQuery(garbage.toString('latin1'))
    }
    expect(readBody(bytes(`{"a":"${'\\"'.repeat(120_000)}`), JSON_TYPE).kind).toBe('unreadable')
  })

  it('reads a query string', () => {
    expect(readQuery('uniqueid=1&call[a]=%D1%97')).toEqual(
      parsed({ uniqueid: '1', call: { a: 'ї' } }),
    )
    expect(readQuery('')).toEqual(parsed({}))
  })
})
