import { Agent } from 'undici'
import { systemClock } from '../shared/clock.ts'
import { Secret } from '../shared/config.ts'
import { createLogger } from '../shared/logger.ts'
import { createPool } from '../shared/postgres/pool.ts'
import { createSecretBox } from '../shared/secret-box.ts'
import { createSourceTokens } from '../shared/source-token.ts'
import { awayEventLog } from './event-log.ts'
import { awayRewinds } from './rewinds.ts'
import { createServer } from './server.ts'

/** `npm run api-types`: prints the OpenAPI document, for which no server needs to run. */
const logger = createLogger('console', 'silent')
const databaseUrl = new Secret('postgres://nobody@127.0.0.1:1/none')
const app = await createServer({
  pool: createPool({ databaseUrl, applicationName: 'openapi', connectionsMax: 1, logger }),
  secretBox: createSecretBox(new Secret(Buffer.alloc(32).toString('base64'))),
  sourceTokens: createSourceTokens([Buffer.alloc(32)]),
  eventLog: awayEventLog,
  rewinds: awayRewinds,
  restores: { isClearNow: async () => true },
  agent: new Agent(),
  clock: systemClock,
  logger,
  operatorTokens: [],
  publicUrl: 'https://console.example.com',
  frameOrigins: [],
  trustedProxies: [],
  sourcesMax: 50,
  webRoot: '/nowhere',
  normalizerPublicUrl: 'https://hooks.example.com',
  allowHttp: false,
  requestTimeoutMs: 5_000,
  attemptsMax: 9,
})
process.stdout.write(`${JSON.stringify(app.swagger(), null, 2)}\n`)
await app.close()
