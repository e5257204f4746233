import { describe, expect, it } from 'vitest'
import { agreedIds } from '../../../../services/shared/kafka/topic-ids.ts'
import { TOPIC_IDS } from '../../../../services/shared/kafka/wire/topic-ids-api.ts'

const OLD = '0a'.repeat(16)
const NEW = '0b'.repeat(16)
const NONE = '00'.repeat(16)

const told = (topicId: string, errorCode = 0) => ({
  topics: [{ errorCode, topic: 'calls.events', topicId }],
})

describe('the id of a topic', () => {
  it('is what more than half of the brokers say: one that is cut off knows a topic that was deleted', () => {
    expect([...agreedIds([told(NEW), told(NEW), told(OLD)], 3)]).toEqual([['calls.events', NEW]])
    expect([...agreedIds([told(NEW), told(OLD)], 3)]).toEqual([])
    expect([...agreedIds([told(NEW)], 1)]).toEqual([['calls.events', NEW]])
  })

  it('is not known of a topic that is not there, nor where a broker gives none', () => {
    expect([...agreedIds([told(NONE, 3)], 1)]).toEqual([])
    expect([...agreedIds([told(NONE)], 1)]).toEqual([])
  })

  it('is asked for and read in the compact encoding of Metadata v10', async () => {
    const request = TOPIC_IDS.encode?.({ topics: ['ab'] }).buffer
    const answer = await TOPIC_IDS.decode?.(answerOf('calls.events', NEW), 10)

    // The end of the header, two in a list that is one longer, an empty id, the name, no tags; three
    // times "no", no tags.
    expect(request?.toString('hex')).toBe(`00${'02'}${'00'.repeat(16)}036162${'00'}000000${'00'}`)
    expect(answer).toEqual({ topics: [{ errorCode: 0, topic: 'calls.events', topicId: NEW }] })
  })
})

/** With a broker and a partition of one replica, as the protocol describes it. */
function answerOf(topic: string, topicId: string): Buffer {
  const compact = (text: string) =>
    `${(text.length + 1).toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`
  const int32 = (value: number) => value.toString(16).padStart(8, '0')
  const replicas = `02${int32(1)}`
  const partition = `0000${int32(0)}${int32(1)}${int32(7)}${replicas}${replicas}0100`
  const broker = `${int32(1)}${compact('kafka-1')}${int32(9092)}0000`
  const topics = `020000${compact(topic)}${topicId}00${`02${partition}`}${int32(0)}00`
  return Buffer.from(
    `00${int32(0)}02${broker}${compact('cluster')}${int32(1)}${topics}${int32(0)}00`,
    'hex',
  )
}
