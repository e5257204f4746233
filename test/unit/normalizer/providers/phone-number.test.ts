import { describe, expect, it } from 'vitest'
import { isExtension, phoneNumber } from '../../../../services/normalizer/providers/phone-number.ts'

describe('phone numbers', () => {
  it.each([
    ['0671234567', '+380671234567'],
    ['380671234567', '+380671234567'],
    ['+380671234567', '+380671234567'],
    ['80671234567', '+380671234567'],
    ['(067) 123-45-67', '+380671234567'],
    ['0048609909000', '+48609909000'],
    ['48609909000', '+48609909000'],
    ['74993836476', '+74993836476'],
    ['17735550100', '+17735550100'],
    ['"Ivan" <380671234567>', '+380671234567'],
  ])('makes E.164 of %s', (raw, expected) => {
    expect(phoneNumber(raw, 'UA')).toBe(expected)
  })

  it.each(['101', '0101', '80001', 'acmeua_olena'])('leaves %s as it is', (raw) => {
    expect(phoneNumber(raw, 'UA')).toBe(raw)
  })

  it.each([null, '', ' ', 'anonymous', 'Unknown', 'RESTRICTED'])('hides %j', (raw) => {
    expect(phoneNumber(raw, 'UA')).toBeNull()
  })

  it('reads a national number by the country of the workspace', () => {
    expect(phoneNumber('609909000', 'PL')).toBe('+48609909000')
  })

  it('leaves a number of impossible length as received', () => {
    expect(phoneNumber('99999999999999999999', 'UA')).toBe('99999999999999999999')
  })

  it('counts up to five digits as an extension', () => {
    expect(['1', '80001', '800012', '', 'a1'].map(isExtension)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})
