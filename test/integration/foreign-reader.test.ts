import { describe, expect, it, onTestFinished } from 'vitest'
import { identify, untold } from '../../services/shared/call-event.ts'
import { aCallEvent } from '../support/builders.ts'
import { EventLog } from '../support/event-log.ts'
import { prepareForeignReader, readEvents } from '../support/foreign-reader/foreign-reader.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

const INSTALL_WITHIN_MS = 240_000

/** The stream is for others, too: what they read with their own client has to be what we wrote. */
describe("a data team's Python", () => {
  it(
    'reads our events with the client of Confluent',
    async ({ skip }) => {
      const reader = prepareForeignReader()
      if (reader.kind === 'missing') {
        console.warn(`Skipped, since the Python client cannot be installed: ${reader.reason}`)
        skip(reader.reason)
        return
      }
      const { env } = testStack()
      const log = await EventLog.open({
        ...env,
        TOPIC_PREFIX: freshPrefix(),
        TOPIC_PARTITIONS: '1',
      })
      onTestFinished(() => log.stop())
      const call = aCallEvent('kyiv', '1')
      const nothing = identify(untold('order.created', 'first-party', '2'), 'lviv')
      await log.append(call)
      await log.append(nothing)

      const events = readEvents(reader.python, {
        brokers: env.KAFKA_BROKERS,
        registryUrl: env.SCHEMA_REGISTRY_URL,
        topic: log.topic,
        count: 2,
      })

      expect(events).toEqual([
        {
          key: 'kyiv',
          event: {
            ...call,
            event: 'call_completed',
            startedAt: '2026-05-26T13:57:59+00:00',
            answeredAt: '2026-05-26T13:58:05+00:00',
            endedAt: '2026-05-26T13:59:40+00:00',
          },
        },
        { key: 'lviv', event: { ...nothing, event: 'order_created', provider: 'first_party' } },
      ])
    },
    INSTALL_WITHIN_MS,
  )
})
