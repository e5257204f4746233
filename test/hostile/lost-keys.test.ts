import { connectionWhoseKeyIsGone } from './rows/connection-whose-key-is-gone.ts'
import { testRows } from './test-rows.ts'

/** Secrets whose key is gone. */
testRows([connectionWhoseKeyIsGone])
