import { eventThatGrows } from './rows/event-that-grows.ts'
import { eventWhoseRecordDoesNotFit } from './rows/event-whose-record-does-not-fit.ts'
import { topicWithALowerLimit } from './rows/topic-with-a-lower-limit.ts'
import { testRows } from './test-rows.ts'

/** What is small at the door and outgrows a record, a topic or its headers. */
testRows([eventThatGrows, topicWithALowerLimit, eventWhoseRecordDoesNotFit])
