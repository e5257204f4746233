import { ConfigError } from '../shared/config.ts'
import { createLogger } from '../shared/logger.ts'
import { createPool } from '../shared/postgres/pool.ts'
import { runService } from '../shared/run-service.ts'
import { readConfig } from './config.ts'
import { resealNow } from './reseal-now.ts'

/**
 * `npm run reseal`: what each normalizer does every hour, now. Tells by table how much is left, and
 * ends with 0 only when nothing is, with 1 otherwise, with 78 without a previous key: whatever it
 * has sealed would be counted as `missing` then, and "0 left" be an invitation to forget it.
 */
await runService(async () => {
  const { databaseUrl, secretBox: box } = readConfig()
  if (box.keyIds.length < 2) {
    throw new ConfigError(['SECRETS_KEY_PREVIOUS: is not set, or the same as SECRETS_KEY'])
  }
  const logger = createLogger('reseal', 'error')
  const pool = createPool({ databaseUrl, applicationName: 'reseal', connectionsMax: 1, logger })
  try {
    const { lines, isDone } = await resealNow({ pool, box, logger })
    process.stdout.write(`${lines.join('\n')}\n`)
    process.exitCode = isDone ? 0 : 1
  } finally {
    await pool.end()
  }
})
