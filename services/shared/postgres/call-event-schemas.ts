import type { Queryable } from './pool.ts'

/** Table `call_event_schemas`: which schema the records of a log carry under which id. */
export interface NumberedSchema {
  /** As in front of the bytes of a record. */
  readonly id: number
  /** JSON, as it was registered. */
  readonly schema: string
}

/** The rows of one log, as `SchemaBook` needs them. */
export function createSchemaLedger(db: Queryable, eventsTopic: string) {
  return {
    find: () => findCallEventSchemas(db, eventsTopic),
    note: (schema: NumberedSchema) => noteCallEventSchema(db, eventsTopic, schema),
  }
}

/** As many rows as the schema had versions. Primary key. */
async function findCallEventSchemas(
  db: Queryable,
  eventsTopic: string,
): Promise<readonly NumberedSchema[]> {
  const { rows } = await db.query<NumberedSchema>(
    `select schema_id as id, schema from call_event_schemas
      where events_topic = $1 order by schema_id`,
    [eventsTopic],
  )
  return rows
}

/**
 * Changes nothing under an id that is noted: what a registry says after it lost its store is not what
 * our records were written with.
 */
async function noteCallEventSchema(
  db: Queryable,
  eventsTopic: string,
  { id, schema }: NumberedSchema,
): Promise<void> {
  await db.query(
    `insert into call_event_schemas (events_topic, schema_id, schema) values ($1, $2, $3)
     on conflict (events_topic, schema_id) do nothing`,
    [eventsTopic, id, schema],
  )
}
