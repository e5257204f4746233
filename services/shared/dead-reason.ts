/** Why an event was given up: the same words in header, metric, table and API. */
export const DEAD_REASONS = ['attempts_exhausted', 'rejected', 'undecodable'] as const

export type DeadReason = (typeof DEAD_REASONS)[number]
