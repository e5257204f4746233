import { longIdsOfLegs } from './rows/long-ids-of-legs.ts'
import { testRows } from './test-rows.ts'

/** Calls that come in parts: with ids that no index takes. */
testRows([longIdsOfLegs])
