import { longIdsOfLegs } from './rows/long-ids-of-legs.ts'
import { manyLongLegs } from './rows/many-long-legs.ts'
import { mergeThatGrows } from './rows/merge-that-grows.ts'
import { testRows } from './test-rows.ts'

/** Calls that come in parts: long ones, many, and with ids that no index takes. */
testRows([mergeThatGrows, manyLongLegs, longIdsOfLegs])
