import { Agent, RetryAgent, request } from 'undici'
import { z } from 'zod'
import type { RegistryConfig } from '../config.ts'
import type { NumberedSchema } from '../postgres/call-event-schemas.ts'

/**
 * What the registry says now. The client that registers remembers what it heard once, so it would never
 * notice that the registry has lost its store and gives the ids out anew.
 */
export interface RegistryReader {
  /** The schema of an id, JSON; null: the registry does not know the id. */
  schemaOf(id: number): Promise<string | null>
  /** Newest first, `VERSIONS_MAX` at most; null: the registry does not know the subject. */
  versionsOf(subject: string): Promise<readonly NumberedSchema[] | null>
}

/** It was asked and did not answer, or not as a registry does. */
export class RegistryAnswerError extends Error {
  override readonly name = 'RegistryAnswerError'
  readonly status: number

  constructor(path: string, status: number) {
    super(`GET ${path} was answered with ${status}`)
    this.status = status
  }
}

/** A schema has had a handful of versions in years. */
const VERSIONS_MAX = 20
/** More than any schema of ours; it is JSON of 20 KB. */
const ANSWER_BYTES_MAX = 1024 * 1024

/**
 * As the client that registers: a registry whose own database was just away answers 500 a few times, and
 * nobody could be started meanwhile. All tries together have the time of one answer.
 */
const TRIES_AGAIN = {
  maxRetries: 3,
  minTimeout: 100,
  maxTimeout: 1_000,
  timeoutFactor: 3,
  throwOnError: false,
} as const

const Schema = z.object({ schema: z.string() })
const Version = Schema.extend({ id: z.int() })
const Versions = z.array(z.int())

export function createRegistryReader(
  { url, login, ca }: RegistryConfig,
  answerWithinMs: number,
): RegistryReader {
  const agent = new Agent({
    maxResponseSize: ANSWER_BYTES_MAX,
    connections: 4,
    ...(ca !== null && { connect: { ca } }),
  })
  const dispatcher = new RetryAgent(agent, TRIES_AGAIN)
  const base = url.replace(/\/$/, '')
  const password = login && `${login.username}:${login.password.reveal()}`
  const authorization = password && `Basic ${Buffer.from(password).toString('base64')}`

  /** Null: 404. */
  async function ask(path: string): Promise<unknown> {
    const { statusCode, body } = await request(`${base}${path}`, {
      dispatcher,
      headers: authorization === null ? {} : { authorization },
      signal: AbortSignal.timeout(answerWithinMs),
    })
    if (statusCode === 200) return body.json()
    await body.dump()
    if (statusCode === 404) return null
    throw new RegistryAnswerError(path, statusCode)
  }

  async function versionOf(subject: string, version: number): Promise<NumberedSchema[]> {
    const answer = await ask(`/subjects/${encodeURIComponent(subject)}/versions/${version}`)
    return answer === null ? [] : [Version.parse(answer)]
  }

  return {
    async schemaOf(id) {
      const answer = await ask(`/schemas/ids/${id}`)
      return answer === null ? null : Schema.parse(answer).schema
    },
    async versionsOf(subject) {
      const answer = await ask(`/subjects/${encodeURIComponent(subject)}/versions`)
      if (answer === null) return null
      const newest = Versions.parse(answer).slice(-VERSIONS_MAX).reverse()
      const found = await Promise.all(newest.map((version) => versionOf(subject, version)))
      return found.flat().map(({ id, schema }) => ({ id, schema }))
    },
  }
}
