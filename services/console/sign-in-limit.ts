import type { FastifyRequest } from 'fastify'
import type { ConsoleApp } from './console-app.ts'
import { plainProblem } from './problem.ts'

/** Wrong tokens and links that one address may try in a minute, per replica. */
export const FAILED_SIGN_INS_PER_MINUTE = 20

export interface SignInLimit {
  /** @throws Problem 429 when the address has failed too often. */
  check(request: FastifyRequest): Promise<void>
  /** Only failures count: an office behind one address may sign in as often as it likes. */
  countFailure(request: FastifyRequest): Promise<void>
}

/** Needs the plugin `@fastify/rate-limit`. */
export function createSignInLimit(app: ConsoleApp): SignInLimit {
  const limit = app.createRateLimit({ max: FAILED_SIGN_INS_PER_MINUTE, timeWindow: 60_000 })
  return {
    async check(request) {
      const state = await limit(request, { increment: false })
      if (!state.isAllowed && state.remaining <= 0) {
        const detail = 'Too many failed sign-ins from your address. Wait a minute.'
        throw plainProblem(429, detail, { 'retry-after': String(state.ttlInSeconds) })
      }
    },
    async countFailure(request) {
      await limit(request)
    },
  }
}
