import { z } from 'zod'
import { findNewestAttempt, listAttemptsAfter } from '../../shared/postgres/attempt-queries.ts'
import { AttemptFeed } from '../attempt-feed.ts'
import { openAttemptStream } from '../attempt-stream.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { plainProblem, problemResponses } from '../problem.ts'
import { createTurns } from '../turns.ts'

const shown = {
  description: 'A stream of server-sent events; it ends now and then, and is to be opened again.',
  // A string in the description; what is sent is a stream, which no schema serializes.
  content: { 'text/event-stream': { schema: z.unknown().meta({ type: 'string' }) } },
}

/** Loose: the other headers stay. */
const headers = z.looseObject({
  'last-event-id': z
    .string()
    .regex(/^\d{1,15}$/, 'must be the id of an attempt')
    .optional()
    .describe('Goes on after this attempt, if it is not older than a day.'),
})

const RESUME_MS = 24 * 60 * 60 * 1_000
/** Of one workspace, in one replica. */
const WATCHERS_MAX = 100

/**
 * New attempts as they happen (server-sent events: `event: attempt`, `data:` an attempt as JSON,
 * `id:` its id). Whoever lists attempts after the stream is open misses none.
 */
export function streamAttempts(app: ConsoleApp, { pool, clock, logger }: ConsoleDeps): void {
  const schema = {
    summary: 'Follow delivery attempts',
    operationId: 'streamAttempts',
    tags: ['deliveries'],
    params: workspaceParams,
    headers,
    response: { 200: shown, ...problemResponses },
  }
  const source = {
    after: (...question: [string, { id: number; at: number }, number]) =>
      listAttemptsAfter(pool, ...question),
  }
  const feed = new AttemptFeed({ source, clock, logger })
  const seats = createTurns({ atOnce: WATCHERS_MAX, waitingMax: 0 })
  // Before the server waits for the requests that are open: these never end by themselves.
  app.addHook('preClose', async () => feed.stop())

  async function open(id: string, lastId: string | undefined, leave: () => void) {
    const dayAgo = clock.now() - RESUME_MS
    const position =
      lastId === undefined
        ? ((await findNewestAttempt(pool, id)) ?? { id: 0, at: dayAgo })
        : { id: Number(lastId), at: dayAgo }
    const { stream, watcher } = openAttemptStream(clock)
    const unwatch = feed.watch(id, position, watcher)
    stream.once('close', () => {
      unwatch()
      leave()
    })
    return stream
  }

  // Without HEAD, which would open a stream that nobody reads.
  const options = { schema, exposeHeadRoute: false }
  app.get('/v1/workspaces/:id/attempts/stream', options, async (request, reply) => {
    const { id } = request.params
    const leave = await seats.take(id)
    if (leave === null) {
      throw plainProblem(429, 'Too many watch this workspace.', { 'retry-after': '30' })
    }
    try {
      const stream = await open(id, request.headers['last-event-id'], leave)
      return reply
        .type('text/event-stream')
        .headers({ connection: 'close', 'x-accel-buffering': 'no' })
        .send(stream)
    } catch (error) {
      leave()
      throw error
    }
  })
}
