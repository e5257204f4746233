import { describe, expect, it } from 'vitest'
import { aCallEvent, failed, minutes } from '../../../support/builders.ts'
import { encoder } from '../../../support/normalizer-fakes.ts'
import { aDispatcher, TOPICS } from '../../../support/workbench.ts'

/** Less than any value has, and more than none. */
const NONE_BUT_EMPTY = 0
const NOT_EVEN_EMPTY = -1

describe('an event that no lane record can hold', () => {
  /** Nobody accepts it; somebody else wrote it into the log all the same. */
  const large = encoder.encode({ ...aCallEvent('kyiv', '1'), recordingUrl: 'u'.repeat(1_048_000) })

  it('is delivered like any other', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.write(TOPICS.events, { key: 'kyiv', value: large })

    await bench.read('kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
  })

  it('is a dead letter without its value at its first failure, and the lane goes on', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.write(TOPICS.events, { key: 'kyiv', value: large })
    await bench.read('kyiv/2')

    await bench.answer('kyiv/1', failed())
    await bench.committed()
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
    expect(bench.laneRecords).toEqual([])
    expect(bench.deadLetters).toMatchObject([
      {
        key: 'kyiv',
        headers: {
          'dead-reason': 'too_large',
          'dead-origin-offset': '0',
          'dead-event-id': aCallEvent('kyiv', '1').eventId,
          'dead-value-left-out': String(large.length),
        },
      },
    ])
    expect(bench.deadLetters[0]?.value).toHaveLength(0)
    expect(await bench.writtenAttempts()).toEqual(['kyiv #1 dead_lettered', 'kyiv #1 delivered'])
  })
})

describe('a topic that takes less than when we started', () => {
  it('ends the attempts of an event that would wait there, and its workspace goes on', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    bench.takesBytes.set(TOPICS.retry('5s'), NONE_BUT_EMPTY)
    await bench.read('kyiv/1', 'kyiv/2', 'lviv/1')

    await bench.answer('kyiv/1', failed())
    await bench.committed()
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'kyiv/2'])
    expect(bench.deadLetters).toMatchObject([{ headers: { 'dead-reason': 'too_large' } }])
    expect(bench.metrics.reasons).toEqual(['too_large'])
    expect(await bench.committed()).toMatchObject({ offset: 3 })
    expect(await bench.writtenAttempts()).toEqual([
      'kyiv #1 retrying',
      'kyiv #1 dead_lettered',
      'lviv #1 delivered',
      'kyiv #1 delivered',
    ])
  })

  it.each([
    ['has its dead letters without a value', NONE_BUT_EMPTY, 1],
    ['has no dead letters, and holds nobody up', NOT_EVEN_EMPTY, 0],
  ])('%s', async (_what, takes, letters) => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.takesBytes.set(TOPICS.deadLetter, takes)
    bench.takesBytes.set(TOPICS.retry('5s'), NONE_BUT_EMPTY)
    await bench.read('kyiv/1', 'kyiv/2')

    await bench.answer('kyiv/1', failed())
    await bench.committed()
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
    expect(bench.deadLetters).toHaveLength(letters)
    expect(bench.deadLetters.every(({ value }) => value.length === 0)).toBe(true)
  })

  it('keeps nothing from being delivered that waits behind, after a restart either', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')
    await bench.answer('kyiv/1', failed())
    bench.takesBytes.set(TOPICS.retry('30s'), NONE_BUT_EMPTY)

    await bench.pass(minutes(1))
    await bench.answer('kyiv/1', failed())
    await bench.committed()
    bench.crash()
    const next = await bench.successor()
    await next.pass(minutes(1))
    await next.answerAll()
    await next.committed()
    await next.answerAll()

    expect(endpoint.sent.at(-1)).toBe('kyiv/3')
  })
})
