import { z } from 'zod'
import {
  type DeadLetter,
  findDeadLetter,
  insertResend,
} from '../../shared/postgres/dead-letters.ts'
import { askForBackfill, newBackfillId, requireTakesEvents } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import { givenId } from '../given.ts'
import type { LoggedEvent } from '../event-log.ts'
import { findEvent } from '../find-event.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({ backfillId: z.string().describe('The back-fill that brings it.') })

/** Sends one dead letter again, in order with what is under way. */
export function resendDeadLetter(app: ConsoleApp, deps: ConsoleDeps): void {
  const schema = {
    summary: 'Send a dead letter again',
    operationId: 'resendDeadLetter',
    description: 'A back-fill of this one event; if it is cancelled or fails, ask again.',
    tags: ['recovery'],
    params: workspaceParams.extend({ eventId: givenId }),
    response: { 202: shown, ...problemResponses },
  }
  app.post(
    '/v1/workspaces/:id/dead-letters/:eventId/resend',
    { schema, config: { idempotent: true } },
    async (request, reply) => {
      const { id, eventId } = request.params
      return reply.code(202).send({ backfillId: await resend(id, eventId, deps) })
    },
  )
}

async function resend(workspaceId: string, eventId: string, deps: ConsoleDeps): Promise<string> {
  const { pool } = deps
  const letter = await findDeadLetter(pool, workspaceId, eventId)
  if (letter === null) throw plainProblem(404, 'The workspace has no such dead letter.')
  if (letter.resentAt !== null) throw alreadySent()
  await requireTakesEvents(pool, workspaceId)
  const event = await findInLog(deps, workspaceId, letter)
  if (event === null) throw plainProblem(410, 'The log does not hold this event any more.')

  const backfillId = newBackfillId()
  const { acceptedAt } = event
  const isClaimed = await insertResend(pool, { workspaceId, eventId, backfillId, acceptedAt })
  if (!isClaimed) throw alreadySent()
  const rewind = { workspaceId, event, id: backfillId, mode: 'gaps', until: acceptedAt } as const
  await askForBackfill(deps, rewind)
  return backfillId
}

function alreadySent() {
  return plainProblem(409, 'This dead letter has been sent again already: see its back-fill.')
}

/** Its log time is written down, but for those of an earlier release. */
async function findInLog(
  deps: ConsoleDeps,
  workspaceId: string,
  { eventId, acceptedAt }: DeadLetter,
): Promise<LoggedEvent | null> {
  if (acceptedAt === null) return (await findEvent(deps, { workspaceId, eventId }))?.logged ?? null
  const at = acceptedAt.getTime()
  return deps.eventLog.find(workspaceId, eventId, { since: at, until: at + 1 })
}
