import {
  type CallEventEncoder,
  createCallEventEncoder,
  readCallEventSchema,
} from '../call-event-codec.ts'
import type { RegistryConfig } from '../config.ts'
import type { Logger } from '../logger.ts'
import { createSchemaLedger } from '../postgres/call-event-schemas.ts'
import type { Queryable } from '../postgres/pool.ts'
import { SchemaBook } from './schema-book.ts'
import { createCallEventRegistry } from './schema-registry.ts'

/** The schemas of a log, by a real registry and Postgres. Asks neither yet. */
export function openSchemaBook(
  config: RegistryConfig,
  topic: string,
  { db, logger }: { readonly db: Queryable; readonly logger: Logger },
): SchemaBook {
  return new SchemaBook({
    topic,
    registry: createCallEventRegistry(config),
    ledger: createSchemaLedger(db, topic),
    logger,
  })
}

/**
 * Writes events with the schema of this release.
 *
 * @throws SchemaError; see `SchemaBook.idFor`.
 */
export async function openEncoder(schemas: SchemaBook): Promise<CallEventEncoder> {
  const schema = readCallEventSchema()
  return createCallEventEncoder(schema, await schemas.idFor(schema))
}
