import { describe, expect, it } from 'vitest'
import { offsetsPartition } from '../../support/cluster.ts'
import { compactArray, compactString, int32, NO_TAGS, Reader } from '../../support/kafka-wire.ts'

describe('the partition of a group’s offsets', () => {
  it.each([
    ['an empty name', '', 0],
    ['a short name, its hash 96354', 'abc', 4],
    ['a hash below zero, -1950411256', 'call-webhook', 6],
    ['a letter outside of ASCII, with a hash of 252', 'ü', 2],
    ['the one hash without a positive number', 'polygenelubricants', 0],
  ])('is that of Java for %s', (_, groupId, partition) => {
    expect(offsetsPartition(groupId, 50)).toBe(partition)
  })
})

describe('the newer encoding of Kafka', () => {
  it('reads what it writes, lengths of more than one byte among it', () => {
    const long = 'calls.'.repeat(60)
    const reader = new Reader(Buffer.concat([compactString(long), compactArray([7, -1], int32)]))

    expect(reader.compactString()).toBe(long)
    expect(reader.compactArray(() => reader.int32())).toEqual([7, -1])
  })

  it('skips the tags that a newer broker adds', () => {
    const twoTags = Buffer.from([2, 0, 1, 0xff, 5, 2, 0xff, 0xff])
    const reader = new Reader(Buffer.concat([twoTags, int32(42), NO_TAGS]))

    reader.tags()
    expect(reader.int32()).toBe(42)
  })
})
