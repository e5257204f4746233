import type { StreamTelecomSettings } from '../../shared/provider-settings.ts'
import { phoneNumber } from './phone-number.ts'

/**
 * Tells the company's internal lines from phone numbers. Stream Telecom's lines look like numbers
 * (80044022203 would parse as +380 44 022 203), so this is asked before any number is parsed.
 */
export interface Lines {
  isInternal(number: string | null): boolean
  /** A number of the company that clients see. */
  isCompany(number: string | null): boolean
  /** The number as the event carries it: lines of ours unchanged, the rest E.164. */
  shown(number: string | null): string | null
}

/** Longer than any line or number. The settings admit only patterns that match in linear time. */
const LINE_CHARS_MAX = 32

export function linesOf(settings: StreamTelecomSettings, defaultCountry: string): Lines {
  const listed = new Set(settings.internalLines.map(withoutPlus))
  const pattern = new RegExp(settings.internalLinePattern)

  function isInternal(number: string | null): boolean {
    if (number === null || number.length > LINE_CHARS_MAX) return false
    return listed.size > 0 ? listed.has(withoutPlus(number)) : pattern.test(withoutPlus(number))
  }
  let company: ReadonlySet<string | null> | undefined
  function isCompany(number: string | null): boolean {
    if (settings.companyNumbers.length === 0) return false
    const asked = phoneNumber(number, defaultCountry)
    // Once: a source may list 1,000, and each of 200 legs asks.
    company ??= new Set(settings.companyNumbers.map((told) => phoneNumber(told, defaultCountry)))
    return asked !== null && company.has(asked)
  }
  return {
    isInternal,
    isCompany,
    shown: (number) => (isInternal(number) ? number : phoneNumber(number, defaultCountry)),
  }
}

function withoutPlus(number: string): string {
  return number.replace(/^\+/, '')
}
