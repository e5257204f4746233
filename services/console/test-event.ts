import { randomUUID } from 'node:crypto'
import { type CallEvent, identify, untold } from '../shared/call-event.ts'
import { maskNumbers } from '../shared/egress/payload.ts'

/** What a test sends: a call as it comes every day, so that a scenario can be built on its fields. */
export type TestEvent = Omit<CallEvent, 'event'> & { readonly event: 'test' }

const SECOND_MS = 1_000
const TALK_SECONDS = 95
const WAIT_SECONDS = 6

/** `now` in milliseconds since 1970: the call has just ended. Never in the log. */
export function testEvent(workspaceId: string, areNumbersMasked: boolean, now: number): TestEvent {
  const id = randomUUID().replaceAll('-', '')
  const client = '+380671235678'
  const line = '+380443334455'
  const duration = WAIT_SECONDS + TALK_SECONDS
  const at = (secondsAgo: number) => new Date(now - secondsAgo * SECOND_MS).toISOString()
  const call = identify(
    {
      ...untold('call.completed', 'first-party', `test-${id}`),
      direction: 'inbound',
      status: 'answered',
      statusDetail: 'TEST',
      caller: client,
      callee: line,
      client: { number: client, name: 'ТОВ «Їжак»', isNew: false },
      line: { number: line, label: null },
      agent: { id: null, name: 'Олена Коваль', extension: '901', email: 'olena@example.com' },
      duration,
      talkDuration: TALK_SECONDS,
      waitDuration: WAIT_SECONDS,
      startedAt: at(duration),
      answeredAt: at(TALK_SECONDS),
      endedAt: at(0),
    },
    workspaceId,
  )
  const shown = areNumbersMasked ? maskNumbers(call) : call
  return { ...shown, event: 'test', eventId: `test_${id}` }
}
