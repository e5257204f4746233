import type { paths } from './api-schema.d.ts'

type ListGaps = paths['/v1/workspaces/{id}/gaps']['get']

/** A time in which calls did not reach the customer. */
export type Gap = ListGaps['responses'][200]['content']['application/json']['items'][number]

/** Not brought yet, and still stored: a promise to deliver what is gone could not be kept. */
export function canBeDelivered({
  reason,
  backfilledAt,
}: Pick<Gap, 'reason' | 'backfilledAt'>): boolean {
  return backfilledAt === null && reason !== 'deleted'
}
