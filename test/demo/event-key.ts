import type { CallEvent } from '../../services/shared/call-event.ts'
import type { Received } from '../support/receiver.ts'

/** Names an event within its workspace by what its sender knows; ids of ours come later. */
export function keyOf(event: Pick<CallEvent, 'provider' | 'event' | 'providerCallId'>): string {
  return `${event.provider} ${event.event} ${event.providerCallId}`
}

/** Names it among all workspaces, in the words of the oracle. */
export function pathOf(
  event: Pick<CallEvent, 'workspaceId'> & Parameters<typeof keyOf>[0],
): string {
  return `${event.workspaceId}/${keyOf(event)}`
}

export const keyOfReceived = ({ event }: Received): string => keyOf(event)
