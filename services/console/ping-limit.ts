import type { FastifyRequest } from 'fastify'
import type { ConsoleApp } from './console-app.ts'
import { plainProblem } from './problem.ts'

export interface PingLimit {
  /**
   * Counts one that is about to be sent: each is a request to an address that the caller chose, and
   * without a limit the console would be a tool to ask thousands of them.
   *
   * @throws Problem 429
   */
  count(request: FastifyRequest, workspaceId: string): Promise<void>
}

/** Per replica. Needs the plugin `@fastify/rate-limit`. */
export function createPingLimit(app: ConsoleApp, perMinute: number): PingLimit {
  const workspaces = new WeakMap<FastifyRequest, string>()
  const limit = app.createRateLimit({
    max: perMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => workspaces.get(request) ?? '',
  })
  return {
    async count(request, workspaceId) {
      workspaces.set(request, workspaceId)
      const state = await limit(request)
      if (state.isAllowed || !state.isExceeded) return
      const detail =
        `At most ${perMinute} pings and test events a minute are sent for a workspace. ` +
        'Nothing was sent or changed.'
      throw plainProblem(429, detail, { 'retry-after': String(state.ttlInSeconds) })
    },
  }
}
