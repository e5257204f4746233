import { z } from 'zod'
import { ERROR_CLASSES, HINTS } from '../../shared/egress/error-class.ts'
import {
  CONNECTION_STATES,
  type ConnectionWithHealth,
  findConnection,
  PASSWORD_SCHEMES,
} from '../../shared/postgres/connections.ts'
import { type ConsoleApp, type ConsoleDeps, instant, workspaceParams } from '../console-app.ts'
import { problemResponses } from '../problem.ts'

const lastError = z.object({
  class: z.enum(ERROR_CLASSES),
  status: z.number().int().nullable().describe('HTTP status; null when nothing was answered.'),
  at: instant,
  hint: z.string(),
})

const retry = z.object({
  eventId: z.string().describe('The event that all later ones of the workspace wait for.'),
  attempt: z.number().int(),
  attemptsMax: z.number().int(),
  nextAt: instant,
})

const connection = z.union([
  z.object({
    state: z.enum(CONNECTION_STATES).exclude(['disconnected']),
    url: z.string(),
    hasPassword: z.boolean(),
    passwordScheme: z.enum(PASSWORD_SCHEMES),
    passwordHeader: z.string().nullable(),
    maskNumbers: z.boolean(),
    connectedAt: instant.nullable(),
    lastDeliveredAt: instant.nullable(),
    lastError: lastError.nullable(),
    retry: retry.nullable(),
  }),
  z.object({ state: z.literal('disconnected') }),
])

/** Where the events of a workspace go, and how it is going. */
export function getConnection(app: ConsoleApp, { pool, attemptsMax }: ConsoleDeps): void {
  const schema = {
    summary: 'Show the connection',
    operationId: 'getConnection',
    tags: ['connection'],
    params: workspaceParams,
    response: { 200: connection, ...problemResponses },
  }
  app.get('/v1/workspaces/:id/connection', { schema }, async (request) => {
    const found = await findConnection(pool, request.params.id)
    return found === null ? { state: 'disconnected' as const } : shown(found, attemptsMax)
  })
}

function shown(found: ConnectionWithHealth, attemptsMax: number): z.infer<typeof connection> {
  const { state, url, passwordSealed, maskNumbers } = found
  if (state === 'disconnected' || url === null) return { state: 'disconnected' }
  return {
    state,
    url,
    hasPassword: passwordSealed !== null,
    passwordScheme: found.passwordScheme,
    passwordHeader: found.passwordHeader,
    maskNumbers,
    connectedAt: found.connectedAt?.toISOString() ?? null,
    lastDeliveredAt: found.lastDeliveredAt?.toISOString() ?? null,
    lastError: lastErrorOf(found),
    retry: retryOf(found, attemptsMax),
  }
}

function lastErrorOf(found: ConnectionWithHealth): z.infer<typeof lastError> | null {
  const { lastErrorClass, lastErrorStatus, lastErrorAt } = found
  if (lastErrorClass === null || lastErrorAt === null) return null
  return {
    class: lastErrorClass,
    status: lastErrorStatus,
    at: lastErrorAt.toISOString(),
    hint: HINTS[lastErrorClass],
  }
}

function retryOf(found: ConnectionWithHealth, attemptsMax: number): z.infer<typeof retry> | null {
  const { retryEventId, retryAttempt, retryNextAt } = found
  if (retryEventId === null || retryAttempt === null || retryNextAt === null) return null
  return {
    eventId: retryEventId,
    attempt: retryAttempt,
    attemptsMax,
    nextAt: retryNextAt.toISOString(),
  }
}
