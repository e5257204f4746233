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

  forget(identity: ProducerIdentity | undefined): void {
    if (this.#current === identity) this.#current = null
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
