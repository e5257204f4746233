import type { FastifyRequest } from 'fastify'
import type { Clock } from '../shared/clock.ts'
import { type Budget, createBudget } from './budget.ts'
import type { CachedLookup, Lookup } from './cached-lookup.ts'
import { type LimitReason, type RateLimited, rateLimited } from './rate-limited.ts'

/**
 * Who is let in, decided before a body is buffered: a stranger costs neither memory nor, beyond a
 * few, a look into Postgres; and nobody whom we know uses up more than his share.
 */
export interface Gate {
  /** What Postgres says of a token, or that its address has guessed too often. */
  find<Value>(request: FastifyRequest, tokens: Tokens<Value>): Promise<Lookup<Value> | RateLimited>
  /** Takes the request out of the share of a source or workspace; null while there is one. */
  admit(sender: string, request: FastifyRequest): RateLimited | null
  /** What is known only at its end: the bytes of the body that came, and the calls in it. */
  settle(sender: string, request: FastifyRequest, calls: number): void
}

export interface Tokens<Value> {
  /** Whose tokens: guesses of one kind do not lock out new ones of the other. */
  readonly kind: 'source' | 'producer'
  readonly lookup: Pick<CachedLookup<Value>, 'find' | 'remembered'>
  readonly hash: Buffer
  /** The token proves by itself that we made it, so it is no guess. */
  readonly isProven: boolean
}

/** Per minute, and per replica. */
export interface RequestLimits {
  /** Requests of one source. */
  readonly perSource: number
  readonly bytesPerSource: number
  readonly callsPerSource: number
  /** Tokens that name nobody, of one address. */
  readonly unknownPerAddress: number
}

export const BODY_BYTES_MAX = 256 * 1024

const MINUTE_MS = 60_000

export function createGate(limits: RequestLimits, clock: Clock): Gate {
  const budget = (max: number): Budget => createBudget({ max, windowMs: MINUTE_MS, clock })
  const guesses = budget(limits.unknownPerAddress)
  const shares: readonly (readonly [LimitReason, Budget])[] = [
    ['requests', budget(limits.perSource)],
    ['bytes', budget(limits.bytesPerSource)],
    ['calls', budget(limits.callsPerSource)],
  ]
  const spend = (sender: string, amounts: Partial<Record<LimitReason, number>>) => {
    for (const [reason, share] of shares) share.spend(sender, amounts[reason] ?? 0)
  }
  return {
    async find(request, { kind, lookup, hash, isProven }) {
      const sender = `${kind} ${request.ip}`
      const isGuess = lookup.remembered(hash) === null && !isProven
      if (isGuess) {
        // Before Postgres is asked. Whom we remember is let in: a provider sends for all its
        // customers from a few addresses, and a stranger behind one of them must not lock them out.
        const waitSeconds = guesses.waitSeconds(sender)
        if (waitSeconds !== null) return rateLimited('unknown_tokens', waitSeconds)
      }
      const found = await lookup.find(hash)
      // What is remembered costs nothing, so the repeats of a deleted source do not count.
      if (found.kind === 'unknown' && isGuess) guesses.spend(sender, 1)
      return found
    },
    admit(sender, request) {
      for (const [reason, share] of shares) {
        const waitSeconds = share.waitSeconds(sender)
        if (waitSeconds !== null) return rateLimited(reason, waitSeconds)
      }
      // A call may be told in the address alone, 14 KB of it.
      const bytes = bytesToCome(request) + (request.raw.url?.length ?? 0)
      spend(sender, { requests: 1, bytes, calls: 1 })
      return null
    },
    settle(sender, request, calls) {
      const came = Buffer.isBuffer(request.body) ? request.body.length : 0
      spend(sender, { bytes: came - bytesToCome(request), calls: calls - 1 })
    },
  }
}

/** As much as it may be where it is not told, so that bodies under way are bounded, too. */
function bytesToCome({ headers }: FastifyRequest): number {
  if (headers['transfer-encoding'] !== undefined) return BODY_BYTES_MAX
  return Math.min(Number(headers['content-length'] ?? 0) || 0, BODY_BYTES_MAX)
}
