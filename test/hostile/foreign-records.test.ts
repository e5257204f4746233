import { eventIdsWithNul } from './rows/event-ids-with-nul.ts'
import { keyWithNul } from './rows/key-with-nul.ts'
import { testRows } from './test-rows.ts'

/** Records that others write into our log. */
testRows([keyWithNul, eventIdsWithNul])
