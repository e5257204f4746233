import { commonVariables, type Environment, readEnvironment } from '../shared/config.ts'

const { DATABASE_URL, LOG_LEVEL } = commonVariables

/** @throws ConfigError with everything that is wrong. */
export function readConfig(environment: Environment = process.env) {
  const env = readEnvironment({ DATABASE_URL, LOG_LEVEL }, environment)
  return Object.freeze({ databaseUrl: env.DATABASE_URL, logLevel: env.LOG_LEVEL })
}
