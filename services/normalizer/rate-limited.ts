import type { FastifyInstance, FastifyRequest } from 'fastify'

export interface RateLimited {
  readonly kind: 'rate_limited'
  readonly waitSeconds: number
}

export interface MinuteLimitOptions {
  /** Requests in a minute, per replica. */
  readonly max: number
  /** Whose share a request uses up; by default its address'. */
  readonly keyGenerator?: (request: FastifyRequest) => string
}

const MINUTE_MS = 60_000

/** Counts the request; null while its sender may go on. Needs the plugin `@fastify/rate-limit`. */
export function createMinuteLimit(
  app: FastifyInstance,
  options: MinuteLimitOptions,
): (request: FastifyRequest) => Promise<RateLimited | null> {
  const count = app.createRateLimit({ ...options, timeWindow: MINUTE_MS })
  return async (request) => {
    const state = await count(request)
    const isOver = 'isExceeded' in state && state.isExceeded
    return isOver ? { kind: 'rate_limited', waitSeconds: state.ttlInSeconds } : null
  }
}
