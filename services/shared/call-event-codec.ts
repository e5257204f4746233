import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import type { CallEvent } from './call-event.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { projectPath } from './project-path.ts'

/**
 * CallEvent ⇄ Confluent wire format: byte 0, schema id (4 bytes, big endian), Avro binary.
 *
 * The Avro form differs in three places, because Avro symbols have no dots and dashes and data
 * teams want real timestamps: `event` and `provider` are enums, times are `timestamp-millis`.
 */

export type AvroSchema = Record<string, unknown>

export function readCallEventSchema(): AvroSchema {
  const path = projectPath('schemas', 'avro', 'call-event.avsc')
  return JSON.parse(readFileSync(path, 'utf8')) as AvroSchema
}

/** Decoded as written, times in milliseconds; every other field is as in `CallEvent`. */
export type AvroCallEvent = Omit<CallEvent, TimeField> & Record<TimeField, number | null>
type TimeField = 'startedAt' | 'answeredAt' | 'endedAt'

const HEADER_BYTES = 5

/** The bytes are no Confluent-framed record, or do not decode with their schema. */
export class UndecodableError extends Error {
  override readonly name = 'UndecodableError'
}

export interface CallEventEncoder {
  /** @throws when a field has not the type that the schema says: a bug in a mapping. */
  encode(event: CallEvent): Buffer
}

export function createCallEventEncoder(schema: AvroSchema, schemaId: number): CallEventEncoder {
  const type = avsc.Type.forSchema(schema as unknown as avsc.Schema)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeInt32BE(schemaId, 1)
  return {
    encode: (event) => Buffer.concat([header, type.toBuffer(toAvro(event))]),
  }
}

function isFramed(value: Buffer): boolean {
  return value.length > HEADER_BYTES && value[0] === 0
}

/** The schema id in front of a value. */
export function schemaIdOf(value: Buffer): number {
  if (!isFramed(value)) throw new UndecodableError('not in the Confluent wire format')
  return value.readInt32BE(1)
}

export interface CallEventDecoder {
  /** Whether these bytes are a Confluent-framed record at all. */
  isFramed(value: Buffer): boolean
  /** Whether `decode` can be called: the schema that wrote this value was learned. */
  knows(value: Buffer): boolean
  /**
   * Asks for the schema that wrote this value, again and again until it is told. Never rejects: one
   * that is not of ours makes `decode` throw instead.
   */
  learn(value: Buffer): Promise<void>
  /** @throws UndecodableError */
  decode(value: Buffer): CallEvent
}

/** What wrote a record: decodes its bytes. */
export interface WriterType {
  fromBuffer(bytes: Buffer): unknown
}

export interface DecoderOptions {
  /** See `SchemaBook.typeOf`. */
  readonly typeOf: (id: number) => Promise<WriterType | null>
  readonly clock: Clock
  readonly logger: Logger
}

const ASK_AGAIN_MS = 1_000

/**
 * Each record is decoded with the schema that wrote it, asked for once per schema, so a field of
 * a newer normalizer reaches the customer through an older dispatcher.
 */
export function createCallEventDecoder({
  typeOf,
  clock,
  logger,
}: DecoderOptions): CallEventDecoder {
  const types = new Map<number, WriterType | null>()
  return {
    isFramed,
    knows: (value) => types.has(schemaIdOf(value)),
    async learn(value) {
      const id = schemaIdOf(value)
      while (!types.has(id)) {
        try {
          types.set(id, await typeOf(id))
        } catch (error) {
          logger.warn({ schemaId: id, err: error }, 'schema.unavailable')
          await clock.sleep(ASK_AGAIN_MS)
        }
      }
    },
    decode: (value) => decodeCallEvent(value, types.get(schemaIdOf(value)) ?? null),
  }
}

/**
 * The event in a framed value, by the type that wrote it; null: nothing of ours did.
 *
 * @throws UndecodableError
 */
export function decodeCallEvent(value: Buffer, type: WriterType | null): CallEvent {
  if (!type) throw new UndecodableError(`schema ${schemaIdOf(value)} is none of ours`)
  try {
    return fromAvro(type.fromBuffer(value.subarray(HEADER_BYTES)) as AvroCallEvent)
  } catch (error) {
    throw new UndecodableError('does not decode with its schema', { cause: error })
  }
}

function toAvro(event: CallEvent): unknown {
  return {
    ...event,
    event: event.event.replace('.', '_'),
    provider: event.provider.replace('-', '_'),
    startedAt: millis(event.startedAt),
    answeredAt: millis(event.answeredAt),
    endedAt: millis(event.endedAt),
  }
}

function fromAvro(record: AvroCallEvent): CallEvent {
  // One flat copy in the contract's field order: JSON.stringify of the result is the body.
  return {
    ...record,
    event: record.event.replace('_', '.') as CallEvent['event'],
    provider: record.provider.replace('_', '-') as CallEvent['provider'],
    startedAt: iso(record.startedAt),
    answeredAt: iso(record.answeredAt),
    endedAt: iso(record.endedAt),
  }
}

function millis(instant: string | null): number | null {
  return instant === null ? null : Date.parse(instant)
}

/** Three of these per delivery: cutting is four times as fast as replacing by a pattern. */
function iso(ms: number | null): string | null {
  if (ms === null) return null
  const text = new Date(ms).toISOString()
  return ms % 1000 === 0 ? `${text.slice(0, 19)}Z` : text
}
