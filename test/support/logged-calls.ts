import type { CallEvent } from '../../services/shared/call-event.ts'
import { createCallEventDecoder } from '../../services/shared/call-event-codec.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { quiet } from './builders.ts'
import { kafkaConfigOf } from './event-log.ts'
import { LogView } from './log-view.ts'

/** All events of the log, partition by partition. `env`: of the service that wrote it. */
export async function readLoggedEvents(
  env: Readonly<Record<string, string>>,
): Promise<readonly CallEvent[]> {
  const view = new LogView(env)
  const records = await view.read(view.names.events)
  const { typeOf } = createCallEventRegistry(kafkaConfigOf(env).registry)
  const decoder = createCallEventDecoder({ typeOf, clock, logger: quiet })
  const events: CallEvent[] = []
  for (const { value } of records) {
    if (!decoder.knows(value)) await decoder.learn(value)
    events.push(decoder.decode(value))
  }
  return events
}

/** The calls in the log, by the provider's ids and in its order, per workspace. */
export async function readLoggedCalls(
  env: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const logged = new Map<string, string[]>()
  for (const { workspaceId, providerCallId } of await readLoggedEvents(env)) {
    const calls = logged.get(workspaceId) ?? []
    logged.set(workspaceId, calls)
    calls.push(providerCallId)
  }
  return logged
}
