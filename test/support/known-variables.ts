import { readConfig as readConsole } from '../../services/console/config.ts'
import { readConfig as readDispatcher } from '../../services/dispatcher/config.ts'
import { readConfig as readMigrations } from '../../services/migrations/config.ts'
import { readConfig as readNormalizer } from '../../services/normalizer/config.ts'
import type { Environment } from '../../services/shared/config.ts'
import { readConfig as readTopics } from '../../services/topics/config.ts'

/** What reads the environment of each program of the image. */
export const READ_CONFIG: Readonly<Record<string, (env: Environment) => unknown>> = {
  normalizer: readNormalizer,
  dispatcher: readDispatcher,
  console: readConsole,
  topics: readTopics,
  migrations: readMigrations,
}

/** Every variable that the program asks for, found by watching it ask. */
export function knownVariables(program: string): ReadonlySet<string> {
  const asked = new Set<string>()
  const env = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, name) => {
        asked.add(String(name))
        return undefined
      },
    },
  )
  try {
    READ_CONFIG[program]?.(env)
  } catch {
    // Nothing is set, so what is required is missing; only the asking counts.
  }
  return asked
}

/** Those that hold what was good before, while a secret is being changed. */
export function previousKeys(program: string): readonly string[] {
  return [...knownVariables(program)].filter((name) => name.endsWith('_PREVIOUS'))
}
