import type { Deliver } from '../../services/dispatcher/delivery/deliver.ts'
import type { DeliveryOutcome } from '../../services/dispatcher/lane/delivery-outcome.ts'
import type { CallEvent } from '../../services/shared/call-event.ts'
import { DELIVERED } from './builders.ts'

/** One request as the customer's endpoint sees it. */
export interface SentRequest {
  /** `<workspace>/<number of the event>`. */
  readonly name: string
  readonly url: string
  readonly attempt: number
  readonly sequence: number
  readonly webhookId: string
  readonly isReplay: boolean
}

/**
 * The way out, without a network: requests stay open until the test says what became of them.
 * Throws when two requests of one workspace are open at once, whatever a test looks at.
 */
export class FakeEndpoint {
  /** Every request that was started, in order. */
  readonly requests: SentRequest[] = []
  readonly #open = new Map<string, (outcome: DeliveryOutcome) => void>()

  readonly deliver: Deliver = (connection, payload, done) => {
    const event = JSON.parse(payload.body) as CallEvent
    const name = `${event.workspaceId}/${event.providerCallId}`
    const headers = new Map(pairs(payload.headers))
    const overlapping = [...this.#open.keys()].find(
      (open) => workspaceOf(open) === event.workspaceId,
    )
    if (overlapping) throw new Error(`${name} was sent while ${overlapping} was open`)
    this.requests.push({
      name,
      url: connection.origin + connection.path,
      attempt: Number(headers.get('webhook-attempt')),
      sequence: Number(headers.get('webhook-sequence')),
      webhookId: headers.get('webhook-id') ?? '',
      isReplay: headers.get('webhook-replay') === 'true',
    })
    this.#open.set(name, done)
    return { interrupt: () => this.#end(name, { kind: 'interrupted' }) }
  }

  /** Names of the requests that wait for an answer, in the order in which they were sent. */
  get open(): readonly string[] {
    return [...this.#open.keys()]
  }

  /** Names of all requests that were started; one that was tried twice stands there twice. */
  get sent(): readonly string[] {
    return this.requests.map(({ name }) => name)
  }

  /** The request ends like this; by default it is delivered. */
  answer(name: string, outcome: DeliveryOutcome = DELIVERED): void {
    if (!this.#open.has(name)) throw new Error(`${name} is not open: ${this.open.join(', ')}`)
    this.#end(name, outcome)
  }

  /** The process is gone: its requests end, and nobody hears of it. */
  cutOff(): void {
    this.#open.clear()
  }

  #end(name: string, outcome: DeliveryOutcome): void {
    const done = this.#open.get(name)
    this.#open.delete(name)
    done?.(outcome)
  }
}

function workspaceOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/'))
}

function pairs(flat: readonly string[]): [string, string][] {
  const names = flat.filter((_, index) => index % 2 === 0)
  return names.map((name, index) => [name, flat[2 * index + 1] ?? ''])
}
