import { systemClock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { INIT_PRODUCER_ID, type ProducerIdentity } from './wire/api.ts'
import type { ClusterLink } from './wire/cluster-link.ts'
import {
  BrokerAwayError,
  BrokerError,
  CODE,
  isCoordinatorElsewhere,
  requireSuccess,
} from './wire/error-codes.ts'

/**
 * The id under which brokers count our records. It is forgotten when the count of some partition is
 * in doubt: under an old id a broker would take new records for repeats and drop them.
 */
const AGAIN_MS = 200
/** 16 bits with a sign. */
const EPOCH_MAX = 32_767

export class Identities {
  readonly #link: ClusterLink
  readonly #logger: Logger
  readonly #onObtained: () => void
  #current: ProducerIdentity | null = null
  #isObtaining = false
  #isStopped = false

  constructor(
    { link, logger }: { readonly link: ClusterLink; readonly logger: Logger },
    onObtained: () => void,
  ) {
    this.#link = link
    this.#logger = logger
    this.#onObtained = onObtained
  }

  /** Null while there is none; then one is asked for. */
  get current(): ProducerIdentity | null {
    if (!this.#current && !this.#isObtaining) {
      this.obtain().catch((err: unknown) => this.#logger.error({ err }, 'produce.no_identity'))
    }
    return this.#current
  }

  /**
   * The next epoch of the same id needs no question to a broker, so nobody waits. And brokers refuse
   * what is older than what they have: a late copy of what was given up is not written behind it.
   */
  forget(identity: ProducerIdentity | undefined): void {
    if (!identity || this.#current !== identity) return
    const { producerId, producerEpoch } = identity
    this.#current =
      producerEpoch < EPOCH_MAX ? { producerId, producerEpoch: producerEpoch + 1 } : null
  }

  /** Tries until there is one. Rejects when the answer is that we may not write. */
  async obtain(): Promise<void> {
    this.#isObtaining = true
    try {
      while (!this.#current && !this.#isStopped) {
        this.#current = await this.#ask()
        if (!this.#current) await systemClock.sleep(AGAIN_MS)
      }
    } finally {
      this.#isObtaining = false
    }
    this.#onObtained()
  }

  stop(): void {
    this.#isStopped = true
  }

  async #ask(): Promise<ProducerIdentity | null> {
    try {
      const request = { transactionTimeout: 30_000 }
      const { errorCode, ...identity } = await this.#link.askAnyone(INIT_PRODUCER_ID, request)
      requireSuccess(errorCode, 'cannot write')
      return { producerId: identity.producerId, producerEpoch: identity.producerEpoch }
    } catch (error) {
      if (error instanceof BrokerAwayError || isForLater(error)) return null
      throw error
    }
  }
}

function isForLater(error: unknown): boolean {
  if (!(error instanceof BrokerError)) return false
  return isCoordinatorElsewhere(error.code) || error.code === CODE.NOT_CONTROLLER
}
