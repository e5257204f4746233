import { createHash, randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { z } from 'zod'
import {
  claimIdempotencyKey,
  findStoredAnswer,
  type IdempotencyKey,
  releaseIdempotencyKey,
  storeAnswer,
} from '../shared/postgres/idempotency-keys.ts'
import { answerPlace } from '../shared/sealed-places.ts'
import { requireWorkspace } from './authorization.ts'
import type { ConsoleApp, ConsoleDeps } from './console-app.ts'
import { invalidRequest, plainProblem } from './problem.ts'

/**
 * `Idempotency-Key`: a request that creates something can be repeated when its answer got lost,
 * and creates once. Routes opt in with `config: { idempotent: true }`.
 *
 * Only success is remembered: what failed has created nothing, and a repeat may try again. If the
 * process dies after creating and before remembering, a repeat creates a second time, once the
 * key is free again (a minute); to rule that out, all of it had to be one transaction.
 */
declare module 'fastify' {
  interface FastifyContextConfig {
    readonly idempotent?: boolean
  }
}

export const REPLAYED_HEADER = 'idempotency-replayed'

const headers = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible characters')
    .optional()
    .describe(
      'Repeats of the request with the same key within 24 hours get the first answer ' +
        `(with the header \`${REPLAYED_HEADER}: true\`) and create nothing.`,
    ),
})

interface Claim extends IdempotencyKey {
  readonly id: string
}

export function takeIdempotencyKeys(app: ConsoleApp, deps: ConsoleDeps): void {
  const claims = new WeakMap<FastifyRequest, Claim>()
  app.addHook('onRoute', documentKey)
  app.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request)
    if (key === null) return
    const claim = { ...key, id: randomUUID() }
    const requestHash = hashOf(request)
    if (await claimIdempotencyKey(deps.pool, claim, { id: claim.id, requestHash })) {
      claims.set(request, claim)
      return
    }
    const found = await findStoredAnswer(deps.pool, key)
    // Without a workspace there is nothing to keep a key with: 404 rather than "under way".
    if (found === null) await requireWorkspace(deps.pool, key.workspaceId)
    return replay(reply, found, { key, requestHash, deps })
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const claim = claims.get(request)
    if (claim === undefined) return
    claims.delete(request)
    await settle(claim, { status: reply.statusCode, body: String(payload) }, deps)
  })
}

function documentKey(route: RouteOptions): void {
  if (route.config?.idempotent === true) route.schema = { ...route.schema, headers }
}

/** Null: the route takes none, or the caller sent none. */
function keyOf(request: FastifyRequest): IdempotencyKey | null {
  const { config, url = '' } = request.routeOptions
  const key = request.headers['idempotency-key']
  if (config.idempotent !== true || typeof key !== 'string') return null
  const { id: workspaceId } = z.object({ id: z.string() }).parse(request.params)
  return { workspaceId, route: `${request.method} ${url}`, key }
}

/** Of the body as it was understood: the order of its fields and left-out defaults do not count. */
function hashOf({ url, body }: FastifyRequest): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([url, body ?? null]))
    .digest()
}

type Found = Awaited<ReturnType<typeof findStoredAnswer>>

function replay(
  reply: FastifyReply,
  found: Found,
  asked: {
    readonly key: IdempotencyKey
    readonly requestHash: Buffer
    readonly deps: ConsoleDeps
  },
): FastifyReply {
  const { key, requestHash, deps } = asked
  if (found !== null && !found.requestHash.equals(requestHash)) {
    const message = 'was used with another request in the last 24 hours: take a new one'
    throw invalidRequest([{ path: 'headers.idempotency-key', message }])
  }
  if (found === null || found.status === null || found.answerSealed === null) {
    const detail = 'The first request with this Idempotency-Key is still under way. Repeat later.'
    throw plainProblem(409, detail, { 'retry-after': '1' })
  }
  return reply
    .code(found.status)
    .header(REPLAYED_HEADER, 'true')
    .type('application/json; charset=utf-8')
    .send(deps.secretBox.open(found.answerSealed, answerPlace(key)))
}

async function settle(
  claim: Claim,
  { status, body }: { readonly status: number; readonly body: string },
  { pool, secretBox, logger }: ConsoleDeps,
): Promise<void> {
  try {
    if (status < 200 || status >= 300) return await releaseIdempotencyKey(pool, claim, claim.id)
    const answerSealed = secretBox.seal(body, answerPlace(claim))
    await storeAnswer(pool, claim, { claimId: claim.id, status, answerSealed })
  } catch (error) {
    // The caller gets the answer all the same: with it, there is no need for a repeat.
    logger.warn({ route: claim.route, err: error }, 'idempotency.not_stored')
  }
}
