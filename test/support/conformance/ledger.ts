import { setTimeout as timeout } from 'node:timers/promises'
import { ProduceError, RecordRefusedError } from '../../../services/shared/kafka/produce-error.ts'
import type {
  LogProducer,
  LogRecord,
  SendOptions,
} from '../../../services/shared/kafka/producer.ts'

/** What a producer told of a record: its offset, or why it was rejected. */
export type Outcome = number | 'not-written' | 'perhaps-written' | 'refused'

export interface Logged {
  readonly offset: number
  readonly value: string
}

interface Sent {
  readonly value: string
  readonly partition: number
  outcome: Outcome | 'open'
}

/** Whoever sends. */
type Sender = Pick<LogProducer, 'send'>

/** Keeps what was sent and what was told of it, to hold it against what is in the log. */
export class Ledger {
  readonly #sent: Sent[] = []

  async send(producer: Sender, record: LogRecord, options?: SendOptions): Promise<Outcome> {
    const { value, partition = 0 } = record
    const sent: Sent = { value: value.toString(), partition, outcome: 'open' }
    this.#sent.push(sent)
    sent.outcome = await outcomeOf(producer.send(record, options))
    return sent.outcome
  }

  acknowledgedIn(partition: number): number {
    return this.#acknowledged(partition).length
  }

  /** What was not acknowledged. */
  get rejected(): readonly string[] {
    return this.#sent.flatMap(({ value, outcome }) =>
      typeof outcome === 'number' ? [] : [`${value}: ${outcome}`],
    )
  }

  /** Where the log is not as it was told. */
  contradictions(partition: number, log: readonly Logged[]): string[] {
    const places = new Map<string, number[]>()
    for (const { value, offset } of log) places.set(value, [...(places.get(value) ?? []), offset])
    const wrong = this.#sent
      .filter((sent) => sent.partition === partition)
      .flatMap(({ value, outcome }) => {
        const found = places.get(value) ?? []
        return isTrue(outcome, found) ? [] : [`${value}: ${outcome}, stands at [${found.join()}]`]
      })
    const offsets = this.#acknowledged(partition).map(({ outcome }) => Number(outcome))
    const disorder = offsets.flatMap((offset, index) =>
      offset > (offsets[index - 1] ?? -1) ? [] : [`${offset} was sent after ${offsets[index - 1]}`],
    )
    return [...wrong, ...disorder]
  }

  /** In the order of the calls. */
  #acknowledged(partition: number): readonly Sent[] {
    return this.#sent.filter(
      (sent) => sent.partition === partition && typeof sent.outcome === 'number',
    )
  }
}

function isTrue(outcome: Sent['outcome'], found: readonly number[]): boolean {
  if (typeof outcome === 'number') return found.length === 1 && found[0] === outcome
  if (outcome === 'perhaps-written' || outcome === 'open') return found.length <= 1
  return found.length === 0
}

/** @throws what is no answer of a producer. */
async function outcomeOf(sending: Promise<number>): Promise<Outcome> {
  try {
    return await sending
  } catch (error) {
    if (error instanceof RecordRefusedError) return 'refused'
    if (!(error instanceof ProduceError)) throw error
    return error.mayBeWritten ? 'perhaps-written' : 'not-written'
  }
}

/** Time between two waves of records for a partition, in milliseconds. */
const PACE_MS = 10
const RECORDS_OF_A_WAVE = 3

export interface Load {
  /** Resolves when all that was sent is answered. */
  stop(): Promise<void>
}

/** Sends to each partition wave after wave, whatever becomes of the others. */
export function startLoad(
  producer: Sender,
  ledger: Ledger,
  { topic, partitions }: { readonly topic: string; readonly partitions: number },
): Load {
  let isStopping = false
  const sendTo = async (partition: number) => {
    for (let wave = 0; !isStopping; wave++) {
      const sends = Array.from({ length: RECORDS_OF_A_WAVE }, (_, index) => {
        const value = Buffer.from(`${partition}: ${wave}/${index}`)
        return ledger.send(producer, { topic, partition, key: 'kyiv', value })
      })
      await Promise.all([...sends, timeout(PACE_MS)])
    }
  }
  const sending = Promise.all(Array.from({ length: partitions }, (_, index) => sendTo(index)))
  return {
    async stop() {
      isStopping = true
      await sending
    },
  }
}
