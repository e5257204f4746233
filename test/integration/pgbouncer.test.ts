import { describe } from 'vitest'
import { describeStartBehind } from '../support/conformance/pooler.ts'
import { findPgBouncer, startPgBouncer } from '../support/pgbouncer.ts'
import { freshDatabase } from '../support/stack.ts'

const found = await findPgBouncer()

// Debian has it as a package that need not be installed; elsewhere only the one that plays it is asked.
describe.skipIf('missing' in found)('PgBouncer itself', () => {
  describeStartBehind('PgBouncer', async (mode) => {
    if ('missing' in found) throw new Error(found.missing)
    return startPgBouncer(found, { mode, databaseUrl: await freshDatabase() })
  })
})
