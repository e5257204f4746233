import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createKafka } from '../../../../services/shared/kafka/client.ts'
import { createLogger } from '../../../../services/shared/logger.ts'

const config = {
  brokers: ['127.0.0.1:1'],
  tls: null,
  sasl: null,
  registry: { url: 'http://127.0.0.1:1', login: null, ca: null },
  topicPrefix: 'calls',
  partitions: 12,
}

function aLogger() {
  const lines: string[] = []
  return { lines, logger: createLogger('test', 'debug', { write: (line) => lines.push(line) }) }
}

/** The insides of kafkajs 2.2.4 that the patch relies on, as far as this test touches them. */
interface InsideOfQueue {
  readonly pending: readonly unknown[]
  throttledUntil: number
  scheduleCheckPendingRequests(): void
  push(request: object): void
}
const Queue = RequestQueue as unknown as new (options: object) => InsideOfQueue
type Schedule = (this: InsideOfQueue) => void
/** Files of tests share what they import, so another one may have patched it before. */
const { scheduleCheckPendingRequests: found } = Queue.prototype as {
  scheduleCheckPendingRequests: Schedule & { readonly original?: Schedule }
}
const unpatched: Schedule = found.original ?? found

function aRequestQueue(): InsideOfQueue {
  createKafka(config, 'test', aLogger().logger)
  return new Queue({
    maxInFlightRequests: 1,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: '127.0.0.1:1',
    logger: { debug() {} },
  })
}

describe('the timer patch of kafkajs', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is still needed: by itself kafkajs arms a timer while nothing is pending', () => {
    unpatched.call(aRequestQueue())

    expect(vi.getTimerCount()).toBe(1)
  })

  it('arms none then', () => {
    aRequestQueue().scheduleCheckPendingRequests()

    expect(vi.getTimerCount()).toBe(0)
  })

  it('arms one while a request waits for the broker to be ready for it', () => {
    const queue = aRequestQueue()
    queue.throttledUntil = Date.now() + 1_000

    queue.push({ entry: { correlationId: 1 }, expectResponse: false, sendRequest() {} })

    expect(queue.pending).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(1)
  })
})

describe('kafkajs', () => {
  it('logs through us, and warns of what it will try again by itself', () => {
    const { lines, logger } = aLogger()

    createKafka(config, 'test', logger).logger().error('Connection error', { broker: 'b:9092' })

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'warn',
      msg: 'kafka.client',
      detail: 'Connection error',
      broker: 'b:9092',
    })
  })

  it('tells once what goes on, and anew what comes again after a minute', () => {
    const { lines, logger } = aLogger()
    const client = createKafka(config, 'test', logger).logger()
    const outage = () => {
      for (let tries = 0; tries < 50; tries += 1) {
        client.error('Connection error', { broker: 'b:9092', retryCount: tries })
        vi.advanceTimersByTime(1_000)
      }
    }

    vi.useFakeTimers()
    outage()
    client.error('Connection error', { broker: 'c:9092' })
    vi.advanceTimersByTime(60_000)
    outage()
    vi.useRealTimers()

    expect(lines.map((line) => JSON.parse(line).broker)).toEqual(['b:9092', 'c:9092', 'b:9092'])
  })
})
