import { IANAZone } from 'luxon'
import { z } from 'zod'

/** An IANA name such as `Europe/Kyiv`. Offsets (`+03:00`) are refused: they know no summer time. */
export const timeZone = z
  .string()
  .max(64)
  .refine(isNamedZone, 'must be an IANA time zone such as Europe/Kyiv')

function isNamedZone(name: string): boolean {
  return /^[A-Za-z]/.test(name) && IANAZone.isValidZone(name)
}
