import type { Row } from '../row.ts'
import { connectionWhoseKeyIsGone, keysRotatedTwice } from './connection-whose-key-is-gone.ts'
import { eventIdsWithNul } from './event-ids-with-nul.ts'
import { eventThatGrows } from './event-that-grows.ts'
import { eventWhoseRecordDoesNotFit } from './event-whose-record-does-not-fit.ts'
import { foreignCompression, unreadableBatch, unreadableSettings } from './foreign-compression.ts'
import { hangingRecordings } from './hanging-recordings.ts'
import { junkAtFullSpeed } from './junk-at-full-speed.ts'
import { keyWithNul } from './key-with-nul.ts'
import { listOfManyCalls } from './list-of-many-calls.ts'
import { logMadeAnew } from './log-made-anew.ts'
import { longIdsOfLegs } from './long-ids-of-legs.ts'
import { manyLongLegs } from './many-long-legs.ts'
import { manySources } from './many-sources.ts'
import { mergeThatGrows } from './merge-that-grows.ts'
import { partitionsAdded } from './partitions-added.ts'
import { topicWithALowerLimit } from './topic-with-a-lower-limit.ts'

/** Every input of the table, in its order. */
export const ROWS: readonly Row[] = [
  eventThatGrows,
  mergeThatGrows,
  topicWithALowerLimit,
  eventWhoseRecordDoesNotFit,
  manyLongLegs,
  longIdsOfLegs,
  listOfManyCalls,
  keyWithNul,
  eventIdsWithNul,
  connectionWhoseKeyIsGone,
  keysRotatedTwice,
  foreignCompression,
  unreadableSettings,
  unreadableBatch,
  logMadeAnew,
  partitionsAdded,
  manySources,
  hangingRecordings,
  junkAtFullSpeed,
]
