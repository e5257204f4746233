import { readFileSync } from 'node:fs'
import { createLogger, type Logger } from '../../services/shared/logger.ts'

export interface LogLines {
  readonly logger: Logger
  /** Facts of the lines with this name, in order. */
  of(event: string): readonly Readonly<Record<string, unknown>>[]
}

/** A logger as the services have it, whose lines a test reads. */
export function logLines(service = 'test'): LogLines {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger(service, 'debug', {
    write: (line: string) => void lines.push(JSON.parse(line)),
  })
  return { logger, of: (event) => lines.filter(({ msg }) => msg === event) }
}

/** Newest line with this event's name in the logs of services. @throws when there is none. */
export function lastLineIn(
  files: readonly string[],
  msg: string,
): Readonly<Record<string, unknown>> {
  const line = files
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .findLast((each) => each.includes(`"msg":"${msg}"`))
  if (line === undefined) throw new Error(`nobody has said ${msg}`)
  return JSON.parse(line) as Record<string, unknown>
}
