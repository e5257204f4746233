import { systemClock } from '../../services/shared/clock.ts'
import type { Product } from '../support/product.ts'

/** A program of the platform that asks the console all the time, with the operator's token. */
export interface Operator {
  readonly asked: number
  /** Statuses other than 200; 0: no answer. */
  readonly refused: readonly number[]
  goOverTo(token: string): void
  statusWith(token: string): Promise<number>
  stop(): Promise<void>
}

const ASKS_EVERY_MS = 100
const ANSWER_WITHIN_MS = 5_000

export function startOperator(consoleUrl: string, token: string): Operator {
  const refused: number[] = []
  const state = { token, asked: 0, isStopping: false }

  async function statusWith(given: string): Promise<number> {
    try {
      const response = await fetch(`${consoleUrl}/v1/workspaces/binotel-1/sources`, {
        headers: { authorization: `Bearer ${given}` },
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      })
      await response.arrayBuffer()
      return response.status
    } catch {
      return 0 // as a program sees it
    }
  }

  async function ask(): Promise<void> {
    while (!state.isStopping) {
      const status = await statusWith(state.token)
      state.asked += 1
      if (status !== 200) refused.push(status)
      await systemClock.sleep(ASKS_EVERY_MS)
    }
  }

  const asking = ask()
  return {
    get asked() {
      return state.asked
    },
    refused,
    goOverTo(next) {
      state.token = next
    },
    statusWith,
    async stop() {
      state.isStopping = true
      await asking
    },
  }
}

/** As the runbook has it once an endpoint is mended and nobody wants to wait. */
export async function retryNow(product: Product, workspaceId: string): Promise<void> {
  const path = `/v1/workspaces/${workspaceId}/connection/retry-now`
  await product.api('POST', path).catch((error: Error) => {
    // Its turn came by itself at this very moment: nothing waits any more.
    if (!error.message.includes(' 409 ')) throw error
  })
}
