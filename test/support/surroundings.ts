import { FakeBroker } from '../simulation/fake-broker.ts'
import { FakeCustomers } from './fake-customers.ts'
import { FakeEndpoint } from './fake-endpoint.ts'
import { FakePool } from './fake-pool.ts'
import { FakeSequences } from './fake-sequences.ts'
import { ManualClock } from './manual-clock.ts'

/** What outlives a process. */
export class Surroundings {
  readonly clock: ManualClock
  readonly endpoint: FakeEndpoint
  readonly postgres: FakePool
  readonly sequences: FakeSequences
  readonly customers: FakeCustomers
  readonly broker: FakeBroker

  /** `kept`: what is left of earlier surroundings whose Kafka was lost. */
  constructor(partitions: number, kept?: Surroundings) {
    this.clock = kept?.clock ?? new ManualClock()
    this.endpoint = kept?.endpoint ?? new FakeEndpoint()
    this.postgres = kept?.postgres ?? new FakePool()
    this.sequences = kept?.sequences ?? new FakeSequences()
    this.customers = kept?.customers ?? new FakeCustomers(this.clock.now)
    this.broker = new FakeBroker(partitions, this.clock.now)
  }
}
