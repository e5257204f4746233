import {
  foreignCompression,
  unreadableBatch,
  unreadableSettings,
} from './rows/foreign-compression.ts'
import { testRows } from './test-rows.ts'

/** Settings and compressions that others choose. */
testRows([foreignCompression, unreadableBatch, unreadableSettings])
