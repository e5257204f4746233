/**
 * `webhook-sequence`: the offset in the log, and in front of it how often the log went back so far. It
 * grows per workspace, also when Kafka is lost or restored from an older copy, and stays below 2^53, so
 * that it is exact in every language. Epoch 0 is the plain offset.
 */
const OFFSETS_PER_EPOCH = 2 ** 40

/** A log of 1,000 events a second in one partition needs 34 years for an epoch. */
export const EPOCH_MAX = 2 ** 13 - 1

export function sequenceOf(epoch: number, offset: number): number {
  return epoch * OFFSETS_PER_EPOCH + offset
}
