import { FakeBroker } from '../simulation/fake-broker.ts'
import { FakeCustomers } from './fake-customers.ts'
import { FakeEndpoint } from './fake-endpoint.ts'
import { FakePool } from './fake-pool.ts'
import { ManualClock } from './manual-clock.ts'

/** What outlives a process. */
export class Surroundings {
  readonly clock = new ManualClock()
  readonly endpoint = new FakeEndpoint()
  readonly postgres = new FakePool()
  readonly customers = new FakeCustomers(this.clock.now)
  readonly broker: FakeBroker

  constructor(partitions: number) {
    this.broker = new FakeBroker(partitions, this.clock.now)
  }
}
