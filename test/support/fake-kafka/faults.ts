import { ERRORS } from './error-codes.ts'
import type { ApiName, RequestBody } from './messages.ts'

/** A request of one kind, as the controls and the listeners of a test see it. */
export interface RequestOf<A extends ApiName> {
  readonly api: A
  readonly broker: number
  /** Numbered in the order in which they were opened. */
  readonly connection: number
  readonly clientId: string | null
  readonly body: RequestBody<A>
}

export type SeenRequest = { [A in ApiName]: RequestOf<A> }[ApiName]

export interface FailureScope {
  readonly broker?: number
  readonly topic?: string
  readonly partition?: number
  /** Default: 1. */
  readonly times?: number
}

export interface Omission {
  readonly api: 'Metadata' | 'OffsetFetch' | 'ListOffsets'
  readonly topic: string
  /** Default: the whole topic. */
  readonly partition?: number
  /** Default: 1. */
  readonly times?: number
}

export interface DroppedAnswers {
  /** `cut` (default): the connection is closed; `none`: it stays, and the client waits in vain. */
  readonly how?: 'cut' | 'none'
  /** Default: 1. */
  readonly times?: number
}

export type RequestFilter = (request: SeenRequest) => boolean

interface Planned<T> {
  readonly what: T
  timesLeft: number
}

/** What will go wrong with one request. */
export interface Trouble {
  readonly dropped: 'cut' | 'none' | null
  /** 0: nothing is to fail. */
  errorCode(topic?: string, partition?: number): number
  isOmitted(topic: string, partition?: number): boolean
}

interface Failure extends FailureScope {
  readonly api: ApiName
  readonly errorCode: number
}

/** What a test has asked to go wrong; each plan is used up by the requests that it fits. */
export class Faults {
  #failures: Planned<Failure>[] = []
  #omissions: Planned<Omission>[] = []
  #drops: Planned<{ readonly fits: RequestFilter; readonly how: 'cut' | 'none' }>[] = []

  failNext(api: ApiName, errorCode: number, scope: FailureScope = {}): void {
    this.#failures.push({ what: { ...scope, api, errorCode }, timesLeft: scope.times ?? 1 })
  }

  omit(omission: Omission): void {
    this.#omissions.push({ what: omission, timesLeft: omission.times ?? 1 })
  }

  dropAnswer(fits: RequestFilter, { how = 'cut', times = 1 }: DroppedAnswers = {}): void {
    this.#drops.push({ what: { fits, how }, timesLeft: times })
  }

  clear(): void {
    this.#failures = []
    this.#omissions = []
    this.#drops = []
  }

  troubleOf(request: SeenRequest): Trouble {
    const failures = use(this.#failures, (failure) => isMeant(failure, request))
    const omissions = use(
      this.#omissions,
      ({ api, topic, partition }) => api === request.api && isAskedFor(request, topic, partition),
    )
    const [drop] = use(this.#drops, ({ fits }) => fits(request), 1)
    return {
      dropped: drop?.how ?? null,
      errorCode: (topic, partition) =>
        failures.find((failure) => isInScope(failure, topic, partition))?.errorCode ?? ERRORS.NONE,
      isOmitted: (topic, partition) =>
        omissions.some(
          (each) => each.topic === topic && (each.partition ?? partition) === partition,
        ),
    }
  }
}

function use<T>(plans: Planned<T>[], fits: (what: T) => boolean, most = plans.length): T[] {
  const found = plans.filter(({ what, timesLeft }) => timesLeft > 0 && fits(what)).slice(0, most)
  for (const plan of found) plan.timesLeft--
  return found.map(({ what }) => what)
}

function isMeant({ api, broker, topic, partition }: Failure, request: SeenRequest): boolean {
  if (api !== request.api || (broker ?? request.broker) !== request.broker) return false
  if (topic === undefined && partition === undefined) return true
  return isAskedFor(request, topic, partition)
}

function isInScope(scope: FailureScope, topic?: string, partition?: number): boolean {
  return (scope.topic ?? topic) === topic && (scope.partition ?? partition) === partition
}

/** Whether a request is about this topic and partition; null in a request stands for all topics. */
function isAskedFor({ body }: SeenRequest, topic?: string, partition?: number): boolean {
  if (!('topics' in body)) return false
  if (body.topics === null) return true
  return body.topics.some((asked) => {
    if (typeof asked === 'string') return asked === (topic ?? asked)
    if (asked.topic !== (topic ?? asked.topic)) return false
    if (partition === undefined) return true
    return asked.partitions.some((each) => each.partition === partition)
  })
}
