import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Secret } from '../../../../services/shared/config.ts'
import { createKafka } from '../../../../services/shared/kafka/client.ts'
import { createLogger } from '../../../../services/shared/logger.ts'

const PASSWORD = 's3cret-that-nobody-may-read'
const config = {
  brokers: ['127.0.0.1:1'],
  ssl: false,
  sasl: null,
  registryUrl: 'http://127.0.0.1:1',
  topicPrefix: 'calls',
  partitions: 12,
}

function aLogger() {
  const lines: string[] = []
  return { lines, logger: createLogger('test', 'debug', { write: (line) => lines.push(line) }) }
}

/** The insides of kafkajs 2.2.4 that the patch relies on; a change there has to be looked at. */
describe('the timer patch of kafkajs', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function aRequestQueue() {
    createKafka(config, 'test', aLogger().logger)
    const silent = { debug() {}, error() {}, warn() {}, info() {} }
    return new RequestQueue({
      maxInFlightRequests: 1,
      requestTimeout: 1_000,
      enforceRequestTimeout: false,
      clientId: 'test',
      broker: '127.0.0.1:1',
      logger: { namespace: () => silent },
      isConnected: () => true,
    })
  }

  it('arms no timer while nothing is pending', () => {
    const queue = aRequestQueue()

    queue.scheduleCheckPendingRequests()

    expect(vi.getTimerCount()).toBe(0)
  })

  it('arms it as before while something is', () => {
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

  it('never logs the password, even of a connection that fails', async () => {
    const { lines, logger } = aLogger()
    const sasl = { mechanism: 'plain', username: 'dispatcher', password: new Secret(PASSWORD) } as const
    const kafka = createKafka({ ...config, sasl }, 'test', logger)
    kafka.logger().warn('starting', { sasl })

    expect(lines.join()).not.toContain(PASSWORD)
  })
})
