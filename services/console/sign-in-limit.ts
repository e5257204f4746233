import type { FastifyRequest } from 'fastify'
import { hashToken } from '../shared/access-token.ts'
import type { ConsoleApp } from './console-app.ts'
import { plainProblem } from './problem.ts'

/** Wrong tokens and links that one address may try in a minute, per replica. */
export const FAILED_SIGN_INS_PER_MINUTE = 20
/** About 100 bytes each. */
const GOOD_TOKENS_MAX = 10_000

export interface SignInLimit {
  /** @throws Problem 429 when the address has failed too often. */
  check(request: FastifyRequest): Promise<void>
  /** Only failures count: an office behind one address may sign in as often as it likes. */
  countFailure(request: FastifyRequest): Promise<void>
  /**
   * Looks up whom a token belongs to, and counts it as a failure when that is nobody. A token that
   * was good before is always looked up: else somebody who sends wrong ones from behind the same
   * proxy would lock out everybody there.
   *
   * @throws Problem 429, without looking, for a new token when the address has failed too often.
   */
  tried<T>(request: FastifyRequest, token: string, find: () => Promise<T | null>): Promise<T | null>
}

/** Needs the plugin `@fastify/rate-limit`. */
export function createSignInLimit(app: ConsoleApp): SignInLimit {
  const limit = app.createRateLimit({ max: FAILED_SIGN_INS_PER_MINUTE, timeWindow: 60_000 })
  /** Hashes, oldest first. */
  const good = new Set<string>()

  function remember(hash: string): void {
    good.delete(hash)
    good.add(hash)
    if (good.size <= GOOD_TOKENS_MAX) return
    for (const oldest of good) {
      good.delete(oldest)
      return
    }
  }

  const signInLimit: SignInLimit = {
    async check(request) {
      const state = await limit(request, { increment: false })
      if (!state.isAllowed && state.remaining <= 0) {
        const detail = 'Too many wrong tokens or links from your address. Wait a minute.'
        throw plainProblem(429, detail, { 'retry-after': String(state.ttlInSeconds) })
      }
    },
    async countFailure(request) {
      await limit(request)
    },
    async tried(request, token, find) {
      const hash = hashToken(token).toString('base64')
      if (!good.has(hash)) await signInLimit.check(request)
      const found = await find()
      if (found !== null) {
        remember(hash)
        return found
      }
      good.delete(hash)
      await signInLimit.countFailure(request)
      return null
    },
  }
  return signInLimit
}
