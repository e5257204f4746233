import type { PayloadTarget } from '../../shared/egress/payload.ts'

/** The customer's target as the dispatcher uses it: decrypted, parsed, ready to send. */
export interface Connection extends PayloadTarget {
  readonly kind: 'connection'
  readonly workspaceId: string
  /** Grows with each change by the customer. */
  readonly version: number
  readonly origin: string
  readonly path: string
  /** Milliseconds since 1970: events that were accepted before are not delivered. */
  readonly connectedAt: number
  /** From here on in the log events are delivered, whatever the clocks say; null: not known. */
  readonly connectedOffset: number | null
  /** A dead letter for which the endpoint is to blame is out, and nothing was delivered since. */
  readonly isOnProbation: boolean
  /** Milliseconds since 1970 at which somebody last said "retry now". */
  readonly retryNowAt: number
  /** Where the gap before this connection begins; -Infinity: there is none. */
  readonly gapFrom: number
  /** Ids of back-fills that nothing is to be sent for any more: cancelled, or failed. */
  readonly calledOff: ReadonlySet<string>
}

/**
 * The key that its password or its signing secret is sealed under is not here. Nothing can be sent,
 * and nothing may be given up: its events wait until the key is back, or the customer connects anew.
 */
export interface UnreadableConnection {
  readonly kind: 'unreadable'
  /** As that of a connection; absent is 0. */
  readonly version?: number
}

/** The workspace has no connection that takes events. */
export interface NoConnection {
  readonly kind: 'none'
  /** As that of a connection; absent is 0, for one that has no row. */
  readonly version?: number
  /** Milliseconds since 1970 from which on a recorded gap holds what is not delivered. */
  readonly gapFrom: number
}
