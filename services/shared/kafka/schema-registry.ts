import { Agent } from 'node:https'
import registryPackage from '@kafkajs/confluent-schema-registry'
import type { AvroSchema, WriterType } from '../call-event-codec.ts'
import type { RegistryConfig } from '../config.ts'
import type { NumberedSchema } from '../postgres/call-event-schemas.ts'
import { createRegistryReader, type RegistryReader } from './registry-reader.ts'

const { COMPATIBILITY, SchemaRegistry, SchemaType } = registryPackage
type Client = InstanceType<typeof SchemaRegistry>

export interface CallEventRegistry {
  /** See `register` below. */
  register(topic: string, schema: AvroSchema): Promise<number>
  /**
   * The type that a schema id stands for; null when the registry does not know the id. Cached for
   * ever, since an id never changes its meaning. Rejects when the registry cannot be asked.
   */
  typeOf(id: number): Promise<WriterType | null>
  /** The schema of an id, JSON, asked anew each time; null when the registry does not know the id. */
  schemaOf(id: number): Promise<string | null>
  /**
   * The schemas of a topic, newest first, asked anew each time; null when the registry does not know
   * the topic's subject.
   *
   * @throws SchemaError when the registry cannot be asked.
   */
  versionsOf(topic: string): Promise<readonly NumberedSchema[] | null>
}

/** For a question with all its repeats. */
const ANSWER_WITHIN_MS = 5_000

/**
 * `url` is the whole base address: Apicurio's ends in `/apis/ccompat/v7`, Confluent's has no path.
 * The client has no time limit of its own, and all who ask for an id share one request: over a
 * network that is silent, its partitions would have waited for that one for ever.
 */
export function createCallEventRegistry(
  { url, login, ca }: RegistryConfig,
  answerWithinMs = ANSWER_WITHIN_MS,
): CallEventRegistry {
  const registry = new SchemaRegistry({
    host: url,
    retry: { retries: 3 },
    middlewares: [
      () => ({
        prepareRequest: async (next) =>
          (await next()).enhance({ signal: AbortSignal.timeout(answerWithinMs) }),
      }),
    ],
    ...(login && { auth: { username: login.username, password: login.password.reveal() } }),
    ...(ca !== null && { agent: new Agent({ ca, keepAlive: true }) }),
  })
  const reader = createRegistryReader({ url, login, ca }, answerWithinMs)
  return {
    register: (topic, schema) => register(registry, url, { topic, schema }),
    async typeOf(id) {
      try {
        return await registry.getSchema(id)
      } catch (error) {
        if ((error as { status?: number }).status === 404) return null
        throw error
      }
    },
    schemaOf: (id) => reader.schemaOf(id),
    versionsOf: (topic) => versionsOf(reader, url, topic),
  }
}

const MEND_SCHEMA = 'New fields need a default, existing ones must stay: see schemas/README.md.'

/** The registry refused our schema, or cannot be asked; the message says what to do. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

function subjectOf(topic: string): string {
  return `${topic}-value`
}

/**
 * Registers the schema as `<topic>-value` with FULL_TRANSITIVE and answers its id. Registering
 * the same schema again gives the same id, so each replica may do it at start.
 *
 * @throws SchemaError when it is incompatible with a committed version: a data team's reader, or
 * a replica of the version before, could not read what we write.
 */
async function register(
  registry: Client,
  registryUrl: string,
  { topic, schema }: { topic: string; schema: AvroSchema },
): Promise<number> {
  const subject = subjectOf(topic)
  try {
    const { id } = await registry.register(
      { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
      { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE },
    )
    return id
  } catch (error) {
    const { message, status } = error as Error & { status?: number }
    const mend = mendAccess(message, status) ?? MEND_SCHEMA
    throw new SchemaError(
      `The registry at ${registryUrl} did not take the schema of ${subject}: ${message}. ${mend}`,
      { cause: error },
    )
  }
}

async function versionsOf(
  reader: RegistryReader,
  registryUrl: string,
  topic: string,
): Promise<readonly NumberedSchema[] | null> {
  const subject = subjectOf(topic)
  try {
    return await reader.versionsOf(subject)
  } catch (error) {
    const { message, status } = error as Error & { status?: number }
    const mend = mendAccess(message, status) ?? 'Bring it back; nothing can be read without it.'
    throw new SchemaError(
      `The registry at ${registryUrl} did not tell the schema of ${subject}: ${message}. ${mend}`,
      { cause: error },
    )
  }
}

/** Null: what is wrong has nothing to do with getting in. */
function mendAccess(message: string, status: number | undefined): string | null {
  if (status === 401 || status === 403) {
    return 'It does not let us in: check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD.'
  }
  if (/certificate/i.test(message)) {
    return 'Put the certificate of its authority into SCHEMA_REGISTRY_CA.'
  }
  return null
}
