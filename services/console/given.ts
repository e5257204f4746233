import { z } from 'zod'

/**
 * What comes from outside, refused or cleaned before anything looks at it. Postgres takes no NUL in
 * a text and no year 0, and a statement that it refuses would be an error of ours to the caller.
 */

/** Of a workspace; nothing else was ever made. */
export const WORKSPACE_ID = /^[A-Za-z0-9_-]{1,64}$/

export const givenWorkspaceId = z
  .string()
  .regex(WORKSPACE_ID, 'must be 1 to 64 letters, digits, _ or -')

/** No control characters, and no half of a pair that is no character. */
const PLAIN = /^[^\p{Cc}\p{Cs}]*$/u

/** Of a person, such as a name. */
export function givenText(lengthMax: number) {
  return z.string().trim().min(1).max(lengthMax).regex(PLAIN, 'must hold no control characters')
}

/** Of an event, a source, a back-fill, a token: in the path, or to filter by. */
export const givenId = z.string().max(100).regex(PLAIN, 'must hold no control characters')

/**
 * A time, as ISO 8601 in milliseconds. What lies before 1970 counts as 1970: `0001-01-01` is what
 * programs in Go and .NET send for "no time at all". Year 0 is a mistake.
 */
export const givenInstant = z.iso
  .datetime()
  .refine((text) => !text.startsWith('0000'), 'must be of the year 1 or later')
  .transform((text) => new Date(Math.max(0, Date.parse(text))).toISOString())

/** In a cursor: an offset, or a number that a database has counted. */
export const cursorNumber = z.number().int().nonnegative()

const END_OF_9999 = 253_402_300_799_999

/** In a cursor: milliseconds since 1970. */
export const cursorTime = cursorNumber.max(END_OF_9999)

/** In a cursor: a time as JSON writes it. */
export const cursorDate = givenInstant.transform((text) => new Date(text))
