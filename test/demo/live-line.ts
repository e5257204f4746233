import { styleText } from 'node:util'
import type { Behaviour, Received } from '../support/receiver.ts'

/** One line per request that the receiver got: `13:57:59.031  ws_01  binotel  …`. */

type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** Colours for a terminal, plain text for a file and for whoever set NO_COLOR. */
export function painter(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  return isTerminal && !env['NO_COLOR']
    ? (style, text) => styleText(style, text)
    : (_, text) => text
}

/** `acceptedAt`: milliseconds since 1970; null when it is not known. */
export function liveLine(received: Received, acceptedAt: number | null, paint: Paint): string {
  const { workspaceId, event, attempt, at, behaviour } = received
  const time = new Date(at).toISOString().slice(11, 23)
  const age = acceptedAt === null ? '' : `${at - acceptedAt} ms`
  return [
    paint('dim', time),
    workspaceId.padEnd(5),
    event.provider.padEnd(14),
    event.event.padEnd(16),
    `attempt ${attempt}`,
    paint(styleOf(behaviour), wordOf(behaviour).padEnd(9)),
    age.padStart(9),
  ].join('  ')
}

export function wordOf(behaviour: Behaviour): string {
  switch (behaviour.kind) {
    case 'answer':
      return String(behaviour.status)
    case 'hang':
      return 'no answer'
    case 'reset':
      return 'cut off'
  }
}

function styleOf(behaviour: Behaviour): Style {
  const isGood = behaviour.kind === 'answer' && behaviour.status < 300
  return isGood ? 'green' : 'yellow'
}
