/**
 * Why an event was given up: the same words in header, metric, table and API. `too_large`: it failed,
 * and the record that would keep it until its next attempt fits into no topic.
 */
export const DEAD_REASONS = ['attempts_exhausted', 'rejected', 'undecodable', 'too_large'] as const

export type DeadReason = (typeof DEAD_REASONS)[number]
