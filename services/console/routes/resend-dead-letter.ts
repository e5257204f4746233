import { z } from 'zod'
import {
  type DeadLetter,
  findDeadLetter,
  insertResend,
} from '../../shared/postgres/dead-letters.ts'
import { askForBackfill, newBackfillId, requireTakesEvents } from '../backfill.ts'
import { type ConsoleApp, type ConsoleDeps, workspaceParams } from '../console-app.ts'
import type { LoggedEvent } from '../event-log.ts'
import { findEvent } from '../find-event.ts'
import { givenId } from '../given.ts'
import type { LogScans, ScanBudget } from '../log-scans.ts'
import { plainProblem, problemResponses } from '../problem.ts'

const shown = z.object({ backfillId: z.string().describe('The back-fill that brings it.') })

/** Sends one dead letter again, in order with what is under way. */
export function resendDeadLetter(app: ConsoleApp, deps: ConsoleDeps, scans: LogScans): void {
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
      const letter = await requireLetter(id, eventId, deps)
      const event = await scans.run(id, reply, (budget) => findInLog(deps, id, letter, budget))
      return reply.code(202).send({ backfillId: await resend(id, event, deps) })
    },
  )
}

/** One that can be sent again now. */
async function requireLetter(
  workspaceId: string,
  eventId: string,
  deps: ConsoleDeps,
): Promise<DeadLetter> {
  const letter = await findDeadLetter(deps.pool, workspaceId, eventId)
  if (letter === null) throw plainProblem(404, 'The workspace has no such dead letter.')
  if (letter.resentAt !== null) throw alreadySent()
  await requireTakesEvents(deps, workspaceId)
  return letter
}

async function resend(
  workspaceId: string,
  logged: LoggedEvent,
  deps: ConsoleDeps,
): Promise<string> {
  const backfillId = newBackfillId()
  const { acceptedAt, event } = logged
  const resent = { workspaceId, eventId: event.eventId, backfillId, acceptedAt }
  const isClaimed = await insertResend(deps.pool, resent)
  if (!isClaimed) throw alreadySent()
  const range = { id: backfillId, mode: 'gaps', until: acceptedAt } as const
  await askForBackfill(deps, { workspaceId, event: logged, ...range })
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
  budget: ScanBudget,
): Promise<LoggedEvent> {
  const asked = { workspaceId, eventId }
  if (acceptedAt === null) {
    const found = await findEvent(deps, asked, budget)
    if (found?.logged) return found.logged
    throw found?.missing === 'too_much_to_read' ? tooMuchToRead() : gone()
  }
  const at = acceptedAt.getTime()
  const found = await deps.eventLog.find(asked, { since: at, until: at + 1 }, budget)
  if (found.kind === 'found') return found.logged
  throw found.kind === 'unread' ? tooMuchToRead() : gone()
}

function gone() {
  return plainProblem(410, 'The log does not hold this event any more.')
}

function tooMuchToRead() {
  const detail =
    'So much lies around this event in the log that the search was ended. Repeat, or deliver the ' +
    'time around it: POST …/backfills.'
  return plainProblem(503, detail, { 'retry-after': '30' })
}
