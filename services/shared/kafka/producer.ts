import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs'
import { type Batcher, createBatcher } from '../batcher.ts'
import { systemClock } from '../clock.ts'
import { withinMs } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { createPartitioner } from './partitioner.ts'

/**
 * Produces with acks=all; records of concurrent requests leave in one request.
 *
 * Idempotent, so kafkajs' own retries of one send write a record once. But after a send has
 * finally failed, kafkajs 2.2.4 gives the same sequence numbers to the *next* records, and a
 * broker that had written the failed ones takes the next ones for duplicates and drops them
 * silently: accepted calls would be lost. So a producer that failed is thrown away and the next
 * batch gets a new one with a new producer id.
 */
export interface LogRecord {
  readonly topic: string
  readonly key: string
  readonly value: Buffer
  readonly headers?: Record<string, string>
  /** Default: by key (murmur2, the same in every client). */
  readonly partition?: number
}

export interface LogProducer {
  /**
   * Resolves when all in-sync replicas have the record; rejects with ProduceError. Tells its offset
   * where the record named its partition, else null.
   */
  send(record: LogRecord, options?: SendOptions): Promise<number | null>
  /** Records that wait for an acknowledgement. */
  readonly waiting: number
  /** True from a failure until the next connection, while records are refused at once. */
  readonly isAway: boolean
  stop(): Promise<void>
}

export interface SendOptions {
  /**
   * Milliseconds to wait for a connection that is being made anew, where records are otherwise
   * refused at once: for a record that has no other place. Default: 0.
   */
  readonly patienceMs?: number
}

/** Kafka did not acknowledge: the caller has to try again, or tell its caller to. */
export class ProduceError extends Error {
  override readonly name = 'ProduceError'
  readonly code = 'KAFKA_UNAVAILABLE'
  /** False when the record was not handed to Kafka: it is surely not in the log. */
  readonly mayBeWritten: boolean

  constructor(
    message: string,
    { mayBeWritten = true, ...options }: ErrorOptions & { mayBeWritten?: boolean } = {},
  ) {
    super(message, options)
    this.mayBeWritten = mayBeWritten
  }
}

export interface LogProducerOptions {
  readonly kafka: Kafka
  readonly logger: Logger
  /** Milliseconds after which an unanswered batch counts as failed. */
  readonly timeoutMs: number
  /** Most records in one produce request. Default: 500. */
  readonly batchMax?: number
  /**
   * What becomes of records after a failure. `wait` (default): the next batch connects anew.
   * `refuse`: the connection is made in the background and until then every record is refused at
   * once, so that nobody who has another place for it waits in turn for Kafka.
   */
  readonly whileAway?: 'wait' | 'refuse'
}

/**
 * The broker refuses a batch of more than 1 MB (`message.max.bytes`) as a whole: a few transcripts
 * or raw requests of 256 KB at once would fail together with everything beside them.
 */
const BATCH_BYTES_MAX = 900_000

/** Milliseconds between two tries to connect in the background. */
const RECONNECT_EVERY_MS = 250

export async function startLogProducer(options: LogProducerOptions): Promise<LogProducer> {
  const { timeoutMs, logger, whileAway = 'wait' } = options
  let current: Promise<Producer> | null = connect(options)
  await current
  /** Connecting in the background; null while Kafka is there. */
  let reconnecting: Promise<void> | null = null
  let stopping = false

  async function reconnect(): Promise<void> {
    while (!stopping) {
      const next = connect(options)
      try {
        await withinMs(timeoutMs, next)
        current = next
        reconnecting = null
        logger.info('produce.reconnected')
        return
      } catch {
        // Told once, as `produce.failed`.
        void discard(next)
        await systemClock.sleep(RECONNECT_EVERY_MS)
      }
    }
  }

  async function sendBatch(records: readonly LogRecord[]): Promise<readonly (number | null)[]> {
    if (reconnecting) throw refusal()
    current ??= connect(options)
    const mine = current
    let mayBeWritten = false
    let isGivenUp = false
    try {
      return await withinMs(
        timeoutMs,
        mine.then((producer) => {
          // Connected too late: the records were refused, and must not be written after that.
          if (isGivenUp) throw refusal()
          mayBeWritten = true
          return sendOver(producer, records, timeoutMs)
        }),
      )
    } catch (error) {
      isGivenUp = true
      current = null
      void discard(mine)
      if (whileAway === 'refuse' && !stopping) reconnecting ??= reconnect()
      logger.warn({ err: error, records: records.length }, 'produce.failed')
      throw new ProduceError('Kafka did not acknowledge', { cause: error, mayBeWritten })
    }
  }

  /** True once there is a connection again. */
  async function isBackWithin(patienceMs: number): Promise<boolean> {
    if (!reconnecting) return true
    if (patienceMs <= 0) return false
    await withinMs(patienceMs, reconnecting).catch(() => undefined)
    return !reconnecting
  }

  const batcher: Batcher<LogRecord, number | null> = createBatcher(sendBatch, {
    itemsMax: options.batchMax ?? 500,
    weight: { max: BATCH_BYTES_MAX, of: bytesOf },
  })
  return {
    async send(record, { patienceMs = 0 } = {}) {
      if (reconnecting && !(await isBackWithin(patienceMs))) throw refusal()
      return batcher.add(record)
    },
    get waiting() {
      return batcher.size
    },
    get isAway() {
      return reconnecting !== null
    },
    stop: async () => {
      stopping = true
      await reconnecting
      await current?.then((producer) => producer.disconnect())
    },
  }
}

function refusal(): ProduceError {
  return new ProduceError('Kafka is away', { mayBeWritten: false })
}

function bytesOf({ key, value, headers }: LogRecord): number {
  const named = headers ? JSON.stringify(headers).length : 0
  return value.length + key.length + named + 100
}

async function connect({ kafka, timeoutMs }: LogProducerOptions): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner,
    metadataMaxAge: 60_000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: Math.ceil(timeoutMs / 400) },
  })
  await producer.connect()
  return producer
}

async function sendOver(
  producer: Producer,
  records: readonly LogRecord[],
  timeoutMs: number,
): Promise<(number | null)[]> {
  const topicMessages = byTopic(records)
  const written = await producer.sendBatch({ acks: -1, timeout: timeoutMs, topicMessages })
  return offsetsOf(records, written)
}

/** The broker tells where the first record of each partition stands; the others follow in order. */
function offsetsOf(
  records: readonly LogRecord[],
  written: readonly RecordMetadata[],
): (number | null)[] {
  const next = new Map(
    written.map((each) => [`${each.topicName}/${each.partition}`, Number(each.baseOffset)]),
  )
  return records.map(({ topic, partition }) => {
    const offset = next.get(`${topic}/${partition}`)
    if (partition === undefined || offset === undefined) return null
    next.set(`${topic}/${partition}`, offset + 1)
    return offset
  })
}

function byTopic(records: readonly LogRecord[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>()
  for (const { topic, ...message } of records) {
    const messages = topics.get(topic)
    if (messages) messages.push(message)
    else topics.set(topic, [message])
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }))
}

/** Ends the connection of a producer that failed; there is nobody left to tell if that fails. */
async function discard(producer: Promise<Producer>): Promise<void> {
  await producer.then((connected) => connected.disconnect()).catch(() => undefined)
}
