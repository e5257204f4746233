import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** Never in a log, whatever object somebody hands over; the values print as `[redacted]`. */
const SECRET_PATHS = [
  'password',
  'token',
  'authorization',
  'signingSecret',
  'headers.authorization',
  'headers.cookie',
  'req.headers.authorization',
  '*.password',
  '*.token',
  '*.signingSecret',
]

/**
 * One logger per service: JSON lines, the message is a stable event name (`delivery.attempted`),
 * the facts are fields. Bodies, secrets and URLs with credentials never get here.
 */
export function createLogger(
  service: string,
  level: string,
  destination?: DestinationStream,
): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    },
    // Asynchronous: one wide line per attempt, written one by one, would cost a write(2) each.
    destination ?? pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200 }),
  )
}
