import { describe, expect, it } from 'vitest'
import { createFindInLog } from '../../../services/normalizer/spool/find-in-log.ts'
import type { LogReader } from '../../../services/shared/kafka/log-reader.ts'
import { partitionOfKey } from '../../../services/shared/kafka/partitioner.ts'
import type { LogRecord } from '../../../services/shared/kafka/producer.ts'
import { quiet, stoppedClock } from '../../support/normalizer-fakes.ts'

const PARTITIONS = 4
const recordOf = (key: string): LogRecord => ({
  topic: 'calls.events',
  key,
  value: Buffer.from(`call of ${key}`),
})
const partitionOf = ({ key }: LogRecord) => partitionOfKey(key, PARTITIONS)
const [kyiv, lviv] = ['kyiv', 'lviv', 'odesa', 'dnipro', 'sumy']
  .map(recordOf)
  .filter(
    (one, index, all) => all.findIndex((each) => partitionOf(each) === partitionOf(one)) === index,
  )

/** Each of them in its partition; that of `at` answers as it says. */
function readerOf(
  records: readonly LogRecord[],
  sick: Partial<LogReader> & { readonly at: number },
): LogReader {
  const settled = async () => 1
  const firstSince = async () => ({ offset: 0, at: 0 })
  const read = async (partition: number, offset: number) => {
    const here = records.filter((one) => offset === 0 && partitionOf(one) === partition)
    const messages = here.map(({ key, value }) => ({
      key: Buffer.from(key),
      value,
      timestamp: '0',
      attributes: 0,
      offset: '0',
      headers: {},
    }))
    return { messages, next: 1, isCutOff: false, bytes: 100 }
  }
  return {
    settled: (one) => ((one === sick.at && sick.settled) || settled)(one),
    read: (one, offset) => ((one === sick.at && sick.read) || read)(one, offset),
    firstSince: (one, at) => ((one === sick.at && sick.firstSince) || firstSince)(one, at),
    countPartitions: async () => PARTITIONS,
    range: async () => ({ low: 0, high: 1 }),
    stop: async () => undefined,
  }
}

describe('records that may be in the log', () => {
  const openTransaction: LogReader['read'] = async (_partition, offset) => ({
    messages: [],
    next: offset,
    isCutOff: false,
    bytes: 0,
  })
  const isSick: Record<string, Partial<LogReader>> = {
    'whose end cannot be settled': { settled: () => Promise.reject(new Error('missing')) },
    'with an open transaction of somebody else': { read: openTransaction },
    'where nothing is that late but an open transaction': {
      firstSince: async () => null,
      read: openTransaction,
    },
    'whose leader does not answer': { read: () => Promise.reject(new Error('no answer')) },
  }

  it.each(Object.keys(isSick))('are judged beside a partition %s', async (name) => {
    if (!kyiv || !lviv) throw new Error('two workspaces of two partitions are needed')
    const sick = { ...isSick[name], at: partitionOf(kyiv) }
    const findInLog = createFindInLog({
      openReader: () => readerOf([kyiv, lviv], sick),
      partitions: PARTITIONS,
      publishTimeoutMs: 1,
      clock: { ...stoppedClock(), sleep: async () => undefined },
      logger: quiet,
    })
    const attemptedAt = new Date(0)

    const { found, unjudged } = await findInLog([
      { record: kyiv, attemptedAt },
      { record: lviv, attemptedAt },
    ])

    expect([...found]).toEqual([lviv])
    expect([...unjudged.keys()]).toEqual([partitionOf(kyiv)])
  })

  it.each([0, 7])(
    'are missing where nothing is that late, in a log that ends at %s',
    async (end) => {
      if (!kyiv) throw new Error('a workspace is needed')
      const findInLog = createFindInLog({
        openReader: () =>
          readerOf([], {
            at: partitionOf(kyiv),
            settled: async () => end,
            firstSince: async () => null,
            read: async () => ({ messages: [], next: end, isCutOff: false, bytes: 0 }),
          }),
        partitions: PARTITIONS,
        publishTimeoutMs: 1,
        clock: { ...stoppedClock(), sleep: async () => undefined },
        logger: quiet,
      })

      const { found, unjudged } = await findInLog([{ record: kyiv, attemptedAt: new Date(0) }])

      expect([found.size, unjudged.size]).toEqual([0, 0])
    },
  )
})
