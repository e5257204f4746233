import { hangingRecordings } from './rows/hanging-recordings.ts'
import { junkAtFullSpeed } from './rows/junk-at-full-speed.ts'
import { listOfManyCalls } from './rows/list-of-many-calls.ts'
import { manySources } from './rows/many-sources.ts'
import { testRows } from './test-rows.ts'

/** More calls, bytes, sources and recordings than one workspace may have. */
testRows([listOfManyCalls, manySources, hangingRecordings, junkAtFullSpeed])
