import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Dispatcher } from 'undici'
import { z } from 'zod'
import type { Clock } from '../shared/clock.ts'
import type { Secret } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import type { Restores } from '../shared/restores/restores.ts'
import type { SecretBox } from '../shared/secret-box.ts'
import type { SourceTokens } from '../shared/source-token.ts'
import type { EventLog } from './event-log.ts'
import { givenWorkspaceId } from './given.ts'
import type { Rewinds } from './rewinds.ts'

/** A fastify whose routes take their types from zod schemas. */
export type ConsoleApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What the endpoints are built from; `main.ts` gives the real things, tests theirs. */
export interface ConsoleDeps {
  readonly pool: Pool
  readonly secretBox: SecretBox
  readonly sourceTokens: SourceTokens
  readonly eventLog: EventLog
  readonly rewinds: Rewinds
  /** Whether Kafka and Postgres belong together. */
  readonly restores: Pick<Restores, 'isClearNow'>
  /** The guarded one: pings go to addresses that a customer chose. */
  readonly agent: Dispatcher
  readonly clock: Clock
  readonly logger: Logger
  readonly operatorTokens: readonly Secret[]
  /** Where browsers reach the console, without a slash at the end. */
  readonly publicUrl: string
  /** Origins of sites that may show the page in a frame. */
  readonly frameOrigins: readonly string[]
  /** Addresses and ranges of proxies whose `x-forwarded-for` is believed. */
  readonly trustedProxies: readonly string[]
  /** Folder of the page's files, as the web build writes it; it may be missing. */
  readonly webRoot: string
  /** Sources of one workspace. */
  readonly sourcesMax: number
  /** Where providers reach the normalizer, without a slash at the end. */
  readonly normalizerPublicUrl: string
  readonly allowHttp: boolean
  /** Milliseconds for a ping, the same as for a delivery. */
  readonly requestTimeoutMs: number
  /** Attempts until an event is given up, the first included. */
  readonly attemptsMax: number
}

export const workspaceParams = z.object({ id: givenWorkspaceId.describe('Id of the workspace.') })

/** In a route's description: no session of a browser is enough. Who asks is checked by a hook. */
export const operatorOnly = [{ token: [] }]

/** An instant in an answer. */
export const instant = z.iso.datetime()
