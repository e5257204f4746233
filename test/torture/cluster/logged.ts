import { createCallEventDecoder } from '../../../services/shared/call-event-codec.ts'
import { systemClock as clock } from '../../../services/shared/clock.ts'
import { createCallEventRegistry } from '../../../services/shared/kafka/schema-registry.ts'
import { keyOfCall } from '../../drill/waits.ts'
import { quiet } from '../../support/builders.ts'
import { kafkaConfigOf } from '../../support/event-log.ts'
import { LogView } from '../../support/log-view.ts'

/** A call where it stands in the log. */
export interface LoggedCall {
  readonly key: string
  readonly eventId: string
  readonly partition: number
  readonly offset: number
  /** `partition:offset` */
  readonly place: string
  /** When its leader wrote it, in milliseconds since 1970. */
  readonly writtenAt: number
}

/** All of the log, partition by partition. `env`: of the service that wrote it. */
export async function readLog(
  env: Readonly<Record<string, string>>,
): Promise<readonly LoggedCall[]> {
  const view = new LogView(env)
  const records = await view.read(view.names.events)
  const { typeOf } = createCallEventRegistry(kafkaConfigOf(env).registry)
  const decoder = createCallEventDecoder({ typeOf, clock, logger: quiet })
  const calls: LoggedCall[] = []
  for (const { value, partition, offset, timestamp } of records) {
    if (!decoder.knows(value)) await decoder.learn(value)
    const { workspaceId, providerCallId, eventId } = decoder.decode(value)
    const key = keyOfCall(workspaceId, providerCallId)
    const place = `${partition}:${offset}`
    calls.push({ key, eventId, partition, offset, place, writtenAt: timestamp })
  }
  return calls
}
