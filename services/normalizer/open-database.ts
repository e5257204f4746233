import { systemClock as clock } from '../shared/clock.ts'
import type { Lifecycle } from '../shared/lifecycle.ts'
import type { Logger } from '../shared/logger.ts'
import { prepareTables } from '../shared/postgres/migrate-late.ts'
import { createPool } from '../shared/postgres/pool.ts'
import { prepareDatabase } from '../shared/postgres/prepare-database.ts'
import type { NormalizerConfig } from './config.ts'

/** Also while Postgres is away; then its tables are `areLate`, and nobody uses it until they are ready. */
export async function openDatabase(config: NormalizerConfig, lifecycle: Lifecycle, logger: Logger) {
  const { databaseUrl, connectionsMax } = config
  const tables = await lifecycle.start('tables', () =>
    prepareTables({ migrate: () => prepareDatabase(config, logger), clock, logger }),
  )
  const areLate = !tables.areReady
  const areTablesReady = () => tables.areReady
  const applicationName = 'normalizer'
  const pool = await lifecycle.start(
    'postgres',
    () => createPool({ databaseUrl, applicationName, connectionsMax, logger, areTablesReady }),
    (opened) => opened.end(),
  )
  return { pool, tables, areLate }
}
