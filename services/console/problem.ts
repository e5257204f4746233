import { z } from 'zod'
import type { ErrorClass } from '../shared/egress/error-class.ts'
import { ERROR_CLASSES, HINTS } from '../shared/egress/error-class.ts'
import { problemType, statusProblem } from '../shared/problem-type.ts'

/** RFC 9457 problem documents: the one form of every answer that is no success. */

const fieldError = z.object({
  path: z.string().describe('Where in the request: `body.settings.zone`, `params.id`.'),
  message: z.string(),
})

export const problemDocument = z
  .object({
    type: z.string().describe('A URN that names the kind of problem.'),
    title: z.string(),
    status: z
      .number()
      .int()
      .optional()
      .describe('The HTTP status; for a failed ping the status of the customer’s endpoint.'),
    detail: z.string().optional(),
    errors: z.array(fieldError).optional().describe('Each wrong field of the request.'),
    errorClass: z.enum(ERROR_CLASSES).optional().describe('Why a ping failed.'),
    hint: z.string().optional().describe('What to do about a failed ping, in plain words.'),
  })
  .meta({ id: 'Problem' })

export type ProblemDocument = z.infer<typeof problemDocument>
export type FieldError = z.infer<typeof fieldError>

/** For the `response` of a route's schema. */
export const problemResponses = {
  '4xx': {
    description: 'A problem document (RFC 9457).',
    content: { 'application/problem+json': { schema: problemDocument } },
  },
}

/** Thrown by hooks and handlers; the error handler answers with its document. */
export class Problem extends Error {
  readonly httpStatus: number
  readonly document: ProblemDocument
  readonly headers: Readonly<Record<string, string>>

  constructor(
    httpStatus: number,
    document: ProblemDocument,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(document.detail ?? document.title)
    this.name = 'Problem'
    this.httpStatus = httpStatus
    this.document = document
    this.headers = headers
  }
}

/** A problem that its HTTP status says it all about. */
export function plainProblem(
  status: number,
  detail?: string,
  headers: Readonly<Record<string, string>> = {},
): Problem {
  const document = statusProblem(status)
  return new Problem(status, detail === undefined ? document : { ...document, detail }, headers)
}

export function notConnected(): Problem {
  return plainProblem(409, 'Nothing is connected. Connect first: PUT …/connection.')
}

export function invalidRequest(errors: readonly FieldError[]): Problem {
  return new Problem(422, {
    type: problemType('invalid-request'),
    title: 'The request is not valid',
    status: 422,
    detail: errors.map(({ path, message }) => `${path}: ${message}`).join('; '),
    errors: [...errors],
  })
}

export interface FailedPing {
  readonly errorClass: ErrorClass
  /** What the endpoint answered; null when it did not. */
  readonly status: number | null
}

export function pingFailed({ errorClass, status }: FailedPing): Problem {
  const answer = status === null ? 'gave no answer' : `answered ${status}`
  return new Problem(422, {
    type: problemType('ping-failed'),
    title: 'The endpoint did not accept the ping',
    detail: `The endpoint ${answer} (${errorClass}). Nothing was changed.`,
    errorClass,
    ...(status === null ? {} : { status }),
    hint: HINTS[errorClass],
  })
}

/** The same for a test event: the page shows both alike. */
export function testFailed(failed: FailedPing): Problem {
  const title = 'The endpoint did not accept the test event'
  return new Problem(422, { ...pingFailed(failed).document, title })
}
