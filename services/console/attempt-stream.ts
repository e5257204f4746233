import { Readable } from 'node:stream'
import type { Clock } from '../shared/clock.ts'
import type { RecordedAttempt } from '../shared/postgres/attempt-queries.ts'
import { showAttempt } from './attempt.ts'
import type { AttemptWatcher } from './attempt-feed.ts'

/** So that no proxy takes a quiet stream for a dead one. */
export const HEARTBEAT_MS = 15_000
/** Then the browser connects again by itself, and is asked again who it is. */
export const STREAM_LIFE_MS = 15 * 60_000
/** Who reads slower than attempts come is cut off; it resumes with `Last-Event-ID`. */
const UNREAD_BYTES_MAX = 1024 * 1024

/** A stream of server-sent events; ending it is the way to make the browser connect again. */
export function openAttemptStream(clock: Clock): {
  readonly stream: Readable
  readonly watcher: AttemptWatcher
} {
  const openedAt = clock.elapsed()
  let spokeAt = openedAt
  const stream = new Readable({ read: () => undefined })
  // At once, so that the browser knows the stream is open before anything happens.
  stream.push('retry: 1000\n\n')
  const say = (text: string) => {
    if (stream.destroyed || stream.readableEnded) return
    spokeAt = clock.elapsed()
    stream.push(text)
    if (stream.readableLength > UNREAD_BYTES_MAX) stream.destroy()
  }
  const end = () => {
    if (!stream.destroyed) stream.push(null)
  }
  return {
    stream,
    watcher: {
      take: (attempts) => say(attempts.map(attemptMessage).join('')),
      tick() {
        const now = clock.elapsed()
        if (now - openedAt >= STREAM_LIFE_MS) end()
        else if (now - spokeAt >= HEARTBEAT_MS) say(': still here\n\n')
      },
      end,
    },
  }
}

export function attemptMessage(attempt: RecordedAttempt): string {
  return `event: attempt\nid: ${attempt.id}\ndata: ${JSON.stringify(showAttempt(attempt))}\n\n`
}
