import { createCallEventDecoder } from '../../services/shared/call-event-codec.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { quiet } from './builders.ts'
import { kafkaConfigOf } from './event-log.ts'
import { LogView } from './log-view.ts'

/** The calls in the log, by the provider's ids and in its order, per workspace. */
export async function readLoggedCalls(
  env: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const view = new LogView(env)
  const records = await view.read(view.names.events)
  const { typeOf } = createCallEventRegistry(kafkaConfigOf(env).registry)
  const decoder = createCallEventDecoder({ typeOf, clock, logger: quiet })
  const logged = new Map<string, string[]>()
  for (const { value } of records) {
    if (!decoder.knows(value)) await decoder.learn(value)
    const { workspaceId, providerCallId } = decoder.decode(value)
    const calls = logged.get(workspaceId) ?? []
    logged.set(workspaceId, calls)
    calls.push(providerCallId)
  }
  return logged
}
