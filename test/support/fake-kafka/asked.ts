import type { Cluster } from './cluster.ts'
import type { RequestOf, Trouble } from './faults.ts'
import type { GroupCoordinators } from './group-coordinators.ts'
import type { ApiName } from './messages.ts'

export const HOST = '127.0.0.1'

/** What the answer to one request of the API `A` depends on. */
export interface Asked<A extends ApiName> extends Surroundings {
  readonly request: RequestOf<A>
  readonly trouble: Trouble
}

/** What all brokers share. */
export interface Surroundings {
  readonly cluster: Cluster
  readonly groups: GroupCoordinators
  /** Where clients reach a broker. */
  portOf(broker: number): number
}
