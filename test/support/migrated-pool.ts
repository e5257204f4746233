import { Secret } from '../../services/shared/config.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { quiet } from './builders.ts'
import { freshDatabase } from './stack.ts'

/** Of a database of its own with the newest tables. Whoever opens it ends it. */
export async function openMigratedPool(): Promise<Pool> {
  const databaseUrl = new Secret(await freshDatabase())
  await migrate(databaseUrl, quiet)
  return createPool({ databaseUrl, applicationName: 'test', connectionsMax: 8, logger: quiet })
}
