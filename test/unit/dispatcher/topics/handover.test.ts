import { describe, expect, it } from 'vitest'
import { encodeMetadata } from '../../../../services/dispatcher/lane/commit-metadata.ts'
import {
  awaitHandover,
  type Handover,
  type HandoverOptions,
} from '../../../../services/dispatcher/topics/handover.ts'
import type { CommittedOffset } from '../../../../services/shared/kafka/group-coordinator.ts'
import type { LogRange } from '../../../../services/shared/kafka/log-ranges.ts'
import { seconds } from '../../../support/builders.ts'
import { ManualClock, quiescence } from '../../../support/manual-clock.ts'

const GRACE_MS = seconds(6)
const LANES: readonly [string, LogRange] = ['calls.catch-up', { low: 0, high: 4 }]

function handedOver(watermark: number, settledBeyond: readonly number[]): Partial<Handover> {
  const topics = [{ topic: 'calls.events', watermark, settledBeyond }]
  return { partition: 3, topics, laneRanges: new Map([LANES]), lost: [], isOtherLog: false }
}

/** What the group has committed for partition 3; `null` for a partition that nobody ever had. */
class Committed {
  answer: Pick<CommittedOffset, 'offset' | 'metadata'> | Error = { offset: null, metadata: null }

  async committed(): Promise<CommittedOffset[]> {
    if (this.answer instanceof Error) throw this.answer
    return [{ topic: 'calls.events', partition: 3, ...this.answer }]
  }

  /** What the log holds of the events. */
  range: LogRange = { low: 0, high: 1_000 }

  async ranges(): Promise<ReadonlyMap<string, LogRange>> {
    return new Map([['calls.events', this.range], LANES])
  }
}

function left(clean: boolean, settledBeyond: readonly number[] = []) {
  return { offset: 100, metadata: encodeMetadata(100, { clean, settledBeyond }) }
}

/** Begins to wait; `result` is undefined until that is over. */
function waiting(
  answer: Committed['answer'],
  range?: LogRange,
  wentBack: HandoverOptions['wentBack'] = [],
) {
  const clock = new ManualClock()
  const consumer = new Committed()
  consumer.answer = answer
  if (range) consumer.range = range
  const abort = new AbortController()
  const state: { result: Handover | Error | undefined } = { result: undefined }
  void awaitHandover(3, {
    consumer,
    eventsTopic: 'calls.events',
    laneTopics: ['calls.catch-up'],
    clock,
    graceMs: GRACE_MS,
    wentBack,
    signal: abort.signal,
  }).then(
    (handover) => {
      state.result = handover
    },
    (error: Error) => {
      state.result = error
    },
  )
  return { clock, consumer, abort, state }
}

describe('handover of a partition', () => {
  it('takes no time when nobody ever had it', async () => {
    const { state } = waiting({ offset: null, metadata: null })

    await quiescence()

    expect(state.result).toMatchObject(handedOver(0, []))
  })

  it('takes no time when the last owner left in good order', async () => {
    const { state } = waiting(left(true, [102, 105]))

    await quiescence()

    expect(state.result).toMatchObject(handedOver(100, [102, 105]))
  })

  it('waits until a request of a killed owner must have ended', async () => {
    const { clock, state } = waiting(left(false, [102]))

    await clock.pass(GRACE_MS - 1)
    expect(state.result).toBeUndefined()
    await clock.pass(seconds(1))

    expect(state.result).toMatchObject(handedOver(100, [102]))
  })

  it('ends early when the owner before leaves its clean marker meanwhile', async () => {
    const { clock, consumer, state } = waiting(left(false))
    await clock.pass(seconds(1))

    consumer.answer = { ...left(true), offset: 120 }
    await clock.pass(seconds(1))

    expect(state.result).toMatchObject(handedOver(120, []))
  })

  it('waits for an owner that wrote no metadata of ours, and trusts none of it', async () => {
    const { clock, state } = waiting({ offset: 100, metadata: 'reset by an operator' })

    await clock.pass(GRACE_MS - 1)
    expect(state.result).toBeUndefined()
    await clock.pass(seconds(1))

    expect(state.result).toMatchObject(handedOver(100, []))
  })

  it('ends without a result when the partition is taken away again', async () => {
    const { abort, clock, state } = waiting(left(false))
    await clock.pass(seconds(1))

    abort.abort()
    await quiescence()

    expect(state.result).toMatchObject({ name: 'AbortError' })
    expect(clock.sleepers).toBe(0)
  })

  it('passes over what was deleted before it was read, and says so', async () => {
    const { state } = waiting(left(true, [102, 205]), { low: 200, high: 300 })

    await quiescence()

    const lost = [{ topic: 'calls.events', partition: 3, from: 100, to: 200 }]
    expect(state.result).toMatchObject({ ...handedOver(200, [205]), lost })
  })

  it('begins at the start of a log that was made anew, whatever was committed before', async () => {
    const { state } = waiting(left(true, [102]), { low: 0, high: 21 })

    await quiescence()

    const lost = [{ topic: 'calls.events', partition: 3, from: 100, to: 0 }]
    expect(state.result).toMatchObject({ ...handedOver(0, []), lost, isOtherLog: true })
  })

  it('begins there, too, when the new log is longer by now than what was committed of the old one', async () => {
    const seen = { topic: 'calls.events', partition: 3, from: 120, to: 0 }
    const { state } = waiting(left(true, [102]), { low: 0, high: 500 }, [seen])

    await quiescence()

    expect(state.result).toMatchObject({ ...handedOver(0, []), lost: [seen], isOtherLog: true })
  })

  it('begins with the first record that is left when nobody ever had it', async () => {
    const { state } = waiting({ offset: null, metadata: null }, { low: 40, high: 50 })

    await quiescence()

    expect(state.result).toMatchObject(handedOver(40, []))
  })

  it('fails when Kafka cannot be asked: whoever waits asks again', async () => {
    const { state } = waiting(new Error('the coordinator is away'))

    await quiescence()

    expect(state.result).toMatchObject({ message: 'the coordinator is away' })
  })
})
