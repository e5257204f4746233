import createClient from 'openapi-fetch'
import type { components, paths } from './api-schema.d.ts'

/** The API of the console at our own origin; the session is a cookie, so nothing is kept here. */
export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' })

export type ProblemDocument = components['schemas']['Problem']
export type Attempt = components['schemas']['Attempt']
export type ErrorClass = NonNullable<ProblemDocument['errorClass']>

type Method = 'get' | 'put' | 'post' | 'delete'

/** The answer of an operation that went well: `Answer<'/v1/workspaces/{id}/lane', 'get'>`. */
export type Answer<Path extends keyof paths, Verb extends Method> = paths[Path][Verb] extends {
  responses: infer Responses
}
  ? Responses[keyof Responses & (200 | 201 | 202)] extends {
      content: { 'application/json': infer Body }
    }
    ? Body
    : never
  : never

/** What went wrong, as the problem document tells it. `httpStatus` 0: no answer at all. */
export class ApiError extends Error {
  readonly httpStatus: number
  readonly title: string
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly errorClass: ErrorClass | undefined
  /** Each wrong field of the request, by path: `body.url`. */
  readonly fields: Readonly<Record<string, string>>

  constructor(httpStatus: number, problem: Partial<ProblemDocument>) {
    super(problem.detail ?? problem.title ?? `HTTP ${httpStatus}`)
    this.name = 'ApiError'
    this.httpStatus = httpStatus
    this.title = problem.title ?? ''
    this.detail = problem.detail
    this.hint = problem.hint
    this.errorClass = problem.errorClass
    this.fields = Object.fromEntries(
      (problem.errors ?? []).map(({ path, message }) => [path, message]),
    )
  }
}

export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, { detail: String(error) })
}

/** Fired on `window` when the session is over: the page then shows the sign-in. */
export const SIGNED_OUT = 'call-webhook:signed-out'

/** What `openapi-fetch` gives: an answer, or an error beside the response. */
interface Outcome {
  readonly data?: unknown
  readonly error?: unknown
  readonly response: Response
}

type DataOf<Result> = Result extends { data: infer Data; error?: never } ? Data : never

/** @throws ApiError for whatever is no success, and when there is no answer. */
export async function take<Result extends Outcome>(
  request: Promise<Result>,
): Promise<DataOf<Result>> {
  const { data, error, response } = await request.catch((failure: unknown) => {
    // An abandoned request is nobody's failure; it goes on as what it is.
    if (failure instanceof DOMException && failure.name === 'AbortError') throw failure
    throw toApiError(failure)
  })
  if (response.ok) return data as DataOf<Result> // 204 has none, and its type says so.
  if (response.status === 401) window.dispatchEvent(new Event(SIGNED_OUT))
  throw new ApiError(response.status, isProblem(error) ? error : {})
}

function isProblem(value: unknown): value is Partial<ProblemDocument> {
  return typeof value === 'object' && value !== null && 'title' in value
}
