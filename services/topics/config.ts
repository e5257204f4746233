import { z } from 'zod'
import {
  commaList,
  commonVariables,
  type Environment,
  kafkaConfig,
  kafkaVariables,
  RETRY_TIERS,
  readEnvironment,
} from '../shared/config.ts'
import { parseDelay } from '../shared/delay.ts'

const variables = {
  ...kafkaVariables,
  LOG_LEVEL: commonVariables.LOG_LEVEL,
  // A mistyped delay would be a topic that nobody reads; the dispatcher refuses it only later.
  DISPATCHER_RETRY_TIERS: commaList
    .pipe(
      z.array(
        z.string().refine((text) => parseDelay(text) !== null, 'must be delays such as 30s,2m,6h'),
      ),
    )
    .default(RETRY_TIERS),
}

/** @throws ConfigError with everything that is wrong. */
export function readConfig(environment: Environment = process.env) {
  const env = readEnvironment(variables, environment)
  return Object.freeze({
    kafka: kafkaConfig(env),
    logLevel: env.LOG_LEVEL,
    retryTiers: env.DISPATCHER_RETRY_TIERS,
  })
}
