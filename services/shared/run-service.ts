import { ConfigError, EXIT_CONFIG } from './config.ts'
import { TopicError } from './kafka/topic-spec.ts'

/**
 * Runs a service's `main` and turns what ends it into an exit code and a sentence for a person:
 * 78 for a wrong configuration, of the service or of a topic (restarting does not help), 1 for
 * everything else.
 */
export async function runService(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const isConfig = error instanceof ConfigError || error instanceof TopicError
    const text = error instanceof Error ? (isConfig ? error.message : error.stack) : String(error)
    process.stderr.write(`${text}\n`, () => process.exit(isConfig ? EXIT_CONFIG : 1))
  }
}
