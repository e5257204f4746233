import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'

const HIDDEN = new Set([
  'anonymous',
  'unknown',
  'private',
  'restricted',
  'hidden',
  'unavailable',
  'withheld',
])

/** Whether this is an internal line and no phone number: at most five digits. */
export function isExtension(raw: string): boolean {
  return /^\d{1,5}$/.test(raw)
}

/** Whether this is written as a number and not as a name. */
export function isWrittenNumber(raw: string): boolean {
  return /^[+\d\s()-]+$/.test(raw)
}

/**
 * The number as the event carries it: E.164 where it can be parsed with the workspace's country,
 * extensions and SIP logins unchanged (leading zeros count), null for a hidden number.
 *
 * Providers of Ukraine write 0671234567, 380671234567, 80671234567 (legacy) and 0049… (foreign);
 * libphonenumber alone does not know the last three without a plus sign.
 */
export function phoneNumber(raw: string | null, defaultCountry: string): string | null {
  if (raw === null) return null
  const shown = /<([^<>]+)>\s*$/.exec(raw)?.[1] ?? raw
  const trimmed = shown.trim()
  if (trimmed === '' || HIDDEN.has(trimmed.toLowerCase())) return null
  const compact = trimmed.replace(/[\s()\-.]/g, '')
  if (!/^\+?\d+$/.test(compact) || isExtension(compact)) return trimmed
  const parsed = parsePhoneNumberFromString(
    withPlus(compact, defaultCountry),
    isSupportedCountry(defaultCountry) ? (defaultCountry as CountryCode) : 'UA',
  )
  return parsed?.isPossible() ? parsed.number : trimmed
}

/** Puts a plus before digits that already hold a country code. */
function withPlus(digits: string, defaultCountry: string): string {
  if (digits.startsWith('+')) return digits
  if (digits.startsWith('00')) return `+${digits.slice(2)}`
  if (digits.startsWith('0')) return digits
  if (defaultCountry === 'UA' && /^80\d{9}$/.test(digits)) return `+3${digits}`
  return digits.length >= 11 ? `+${digits}` : digits
}
