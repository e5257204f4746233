import { describe, expect, it } from 'vitest'
import {
  type FoundLog,
  openedSequence,
  type ReachedOffset,
} from '../../../../services/dispatcher/lane/sequence-epoch.ts'
import { EPOCH_MAX } from '../../../../services/shared/sequence.ts'

interface Case {
  readonly kafka?: Partial<FoundLog>
  readonly known?: number
  readonly reached?: ReachedOffset | null
  readonly epoch: number
  readonly wentBackFrom?: number
}

const CASES: readonly (readonly [string, Case])[] = [
  ['nobody was ever here', { epoch: 0 }],
  ['all is as it was', { reached: { epoch: 0, offset: 100 }, epoch: 0 }],
  [
    'Postgres is an older copy: the commits in Kafka have the epoch',
    { kafka: { epoch: 3 }, known: 2, reached: { epoch: 2, offset: 50 }, epoch: 3 },
  ],
  [
    'Postgres is empty: the commits in Kafka have the epoch',
    { kafka: { epoch: 3 }, reached: null, epoch: 3 },
  ],
  [
    'Kafka is an older copy: its log ends before what was read',
    { kafka: { logEnd: 99 }, reached: { epoch: 0, offset: 100 }, epoch: 1, wentBackFrom: 100 },
  ],
  [
    'Kafka was lost, with all commits, for the second time',
    {
      kafka: { logEnd: 0 },
      known: 1,
      reached: { epoch: 1, offset: 100 },
      epoch: 2,
      wentBackFrom: 100,
    },
  ],
  [
    'another partition of the same lost log was opened before: the same epoch',
    {
      kafka: { logEnd: 0 },
      known: 2,
      reached: { epoch: 1, offset: 100 },
      epoch: 2,
      wentBackFrom: 100,
    },
  ],
  ['the commits are of another log', { kafka: { epoch: 1, isOtherLog: true }, known: 1, epoch: 2 }],
  [
    'somebody raised it in Postgres, after both were restored',
    { kafka: { epoch: 1 }, known: 5, reached: { epoch: 5, offset: 100 }, epoch: 5 },
  ],
  [
    'it is opened again, after Kafka did not take the first commit',
    {
      kafka: { epoch: 1, isOtherLog: true },
      known: 2,
      reached: { epoch: 2, offset: 0 },
      epoch: 2,
    },
  ],
  ['the log is another one, with more partitions', { known: 4, epoch: 4 }],
  [
    'there is no higher one',
    { kafka: { epoch: EPOCH_MAX, isOtherLog: true }, known: EPOCH_MAX, epoch: EPOCH_MAX },
  ],
]

describe('the epoch of a partition', () => {
  it.each(CASES)('when %s', (_case, { kafka, known = 0, reached = null, ...expected }) => {
    const found = { epoch: 0, logEnd: 100, isOtherLog: false, ...kafka }

    expect(openedSequence(found, { epoch: known, reached })).toEqual({
      wentBackFrom: null,
      ...expected,
    })
  })
})
