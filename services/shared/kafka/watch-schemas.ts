import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { type Recurring, startRecurring } from '../recurring.ts'
import type { SchemaBook } from './schema-book.ts'

/** A store that is lost is told within a minute, by a page whose rule waits 15 s. */
const LOOK_EVERY_MS = 30_000

export interface WatchSchemasOptions {
  readonly schemas: Pick<SchemaBook, 'refresh' | 'lost'>
  readonly registry: Registry
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Asks the registry again and again for what our records were written with. Nobody else would notice
 * that its store is lost: who runs remembers what it once heard. While it is away nothing changes.
 */
export function watchSchemas({ schemas, registry, clock, logger }: WatchSchemasOptions): Recurring {
  new Gauge({
    name: 'callwebhook_registry_lost_schemas',
    help: 'Schemas of records of ours that the registry does not give under their ids any more: can data teams read the log?',
    registers: [registry],
    collect() {
      this.set(schemas.lost.length)
    },
  })
  return startRecurring({
    name: 'schemas',
    everyMs: LOOK_EVERY_MS,
    task: () => schemas.refresh(),
    clock,
    logger,
  })
}
