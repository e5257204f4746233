import { describe, expect, it } from 'vitest'
import { carryOut, createSends } from '../../../services/normalizer/spool/carry-out.ts'
import type { Judgement } from '../../../services/normalizer/spool/find-in-log.ts'
import { type OpenedEntry, planDrain } from '../../../services/normalizer/spool/plan-drain.ts'
import { identify } from '../../../services/shared/call-event.ts'
import { ProduceError, RecordRefusedError } from '../../../services/shared/kafka/produce-error.ts'
import type { LogRecord } from '../../../services/shared/kafka/producer.ts'
import type { Pool } from '../../../services/shared/postgres/pool.ts'
import { callFacts, stoppedClock } from '../../support/normalizer-fakes.ts'

/** A workspace is named after its partition and a letter. */
const partitionOf = (workspaceId: string) => Number(workspaceId[0])
const entryOf = (workspaceId: string, call: string, attemptedAt: Date | null): OpenedEntry => {
  const event = identify(callFacts({ providerCallId: call }), workspaceId)
  return { id: call, attemptedAt, entry: { kind: 'event', event, fingerprint: null } }
}
const attempted = new Date(0)

describe('a round of a drain', () => {
  async function carriedOut(
    entries: readonly OpenedEntry[],
    { unjudged = [], failing = {}, unfit = '' }: Fails,
  ) {
    const sent: string[] = []
    const judgement: Judgement = {
      found: new Set(),
      unjudged: new Map(unjudged.map((one) => [one, new Error('not settled')])),
    }
    const producer = {
      async send(record: LogRecord) {
        const call = record.value.toString()
        const error = failing[call]
        if (error) throw error
        return sent.push(call)
      },
    }
    const turn = { isLast: false, sends: createSends(producer) }
    const outcome = await carryOut(planDrain(entries, []), turn, {
      // The part of `pg` that is used here: the mark.
      pool: { query: async () => ({ rows: [] }) } as unknown as Pool,
      toRecord({ event: { workspaceId, providerCallId } }) {
        if (providerCallId === unfit) throw new Error('too large')
        return { topic: 'calls.events', key: workspaceId, value: Buffer.from(providerCallId ?? '') }
      },
      findInLog: async () => judgement,
      partitionOf,
      clock: stoppedClock(),
    })
    const done = outcome.done.map(({ step: { id }, result }) => `${id} ${result}`)
    const refused = [...outcome.refused.keys()].map(({ id }) => id)
    return { sent, done, refused, failed: [...outcome.failed.keys()], failure: outcome.failure }
  }
  interface Fails {
    readonly unjudged?: readonly number[]
    readonly failing?: Readonly<Record<string, Error>>
    readonly unfit?: string
  }

  it('leaves all of a partition that cannot be judged, and sends all others', async () => {
    const entries = [
      entryOf('1a', '1', attempted),
      entryOf('1a', '2', null),
      entryOf('1a', '2', null),
      entryOf('2a', '3', attempted),
      entryOf('2b', '4', null),
    ]

    expect(await carriedOut(entries, { unjudged: [1] })).toEqual({
      sent: ['3', '4'],
      done: ['3 published', '4 published'],
      refused: [],
      failed: [1],
      failure: null,
    })
  })

  it('sets aside alone what Kafka does not take, and waits for a partition that does not answer', async () => {
    const entries = ['1', '2', '3', '4', '5'].map((call) => entryOf(`${call}a`, call, null))
    const failing = {
      '2': new RecordRefusedError('refused', { reason: 'too_large' }),
      '3': new ProduceError('away'),
    }

    expect(await carriedOut(entries, { failing, unfit: '5' })).toEqual({
      sent: ['1', '4'],
      done: ['1 published', '4 published'],
      refused: ['5', '2'],
      failed: [3],
      failure: null,
    })
  })

  it('takes nothing else for an outage', async () => {
    const failure = new TypeError('a bug')

    const outcome = await carriedOut([entryOf('1a', '1', null)], { failing: { '1': failure } })

    expect(outcome).toMatchObject({ done: [], refused: [], failed: [], failure })
  })
})
