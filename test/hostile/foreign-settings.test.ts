import { foreignCompression } from './rows/foreign-compression.ts'
import { testRows } from './test-rows.ts'

/** A compression that another client chose. Other rows of that kind take longer: see the torture. */
testRows([foreignCompression])
