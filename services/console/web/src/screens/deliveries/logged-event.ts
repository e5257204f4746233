import type { Answer } from '../../api.ts'

/** One event with all its attempts, as the API tells it. */
export type LoggedEvent = Answer<'/v1/workspaces/{id}/events/{eventId}', 'get'>
