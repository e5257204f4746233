import { z } from 'zod'
import { instant } from './console-app.ts'

/** A back-fill as the API shows it. */
export const backfill = z
  .object({
    id: z.string(),
    state: z.enum(['queued', 'running', 'done', 'cancelled', 'failed']),
    since: instant,
    until: instant,
    mode: z.enum(['gaps', 'all']),
    replayed: z.number().int().describe('Events sent again so far.'),
    position: instant.nullable().describe('Log time of the last one.'),
    createdAt: instant,
  })
  .meta({ id: 'Backfill' })
