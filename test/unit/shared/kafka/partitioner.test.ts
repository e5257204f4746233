import { describe, expect, it } from 'vitest'
import { partitionOfKey } from '../../../../services/shared/kafka/partitioner.ts'

describe('partition of a key', () => {
  // From the tests of Kafka's own client (org.apache.kafka.common.utils.UtilsTest).
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is that of Kafka’s own client', (key, murmur2) => {
    const positive = murmur2 & 0x7fffffff

    expect([partitionOfKey(key, 12), partitionOfKey(key, 7)]).toEqual([positive % 12, positive % 7])
  })
})
