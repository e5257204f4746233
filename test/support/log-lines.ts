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
