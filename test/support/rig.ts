import pg from 'pg'
import type { Profile, StackEnvironment } from '../../deploy/local/profiles.ts'
import type { ServiceProcess } from '../../deploy/local/services.ts'
import { EventLog } from './event-log.ts'
import { eventually } from './eventually.ts'
import { keyOf, Load } from './load.ts'
import { LogView } from './log-view.ts'
import { judge, type Verdict } from './oracle.ts'
import { Product } from './product.ts'
import { Receiver } from './receiver.ts'

/**
 * Dispatchers as processes of their own on a real stack, calls that are written straight into the
 * log, and the one receiver: what the tests of ordered delivery start from.
 */
export interface RigOptions {
  readonly stack: StackEnvironment
  readonly databaseUrl: string
  readonly topicPrefix: string
  /** The one whose folder gets logs and pid files. Default: that of the tests. */
  readonly profile?: Profile
  /** Further environment of all services. */
  readonly env?: Readonly<Record<string, string>>
}

export class Rig {
  readonly receiver: Receiver
  readonly product: Product
  readonly log: EventLog
  readonly load: Load
  readonly view: LogView

  private constructor(receiver: Receiver, product: Product, log: EventLog) {
    this.receiver = receiver
    this.product = product
    this.log = log
    this.load = new Load(log)
    this.view = new LogView(product.env)
    receiver.onReceived = (received) => this.load.note(received)
  }

  /** With a console, which is how connections are made, and no dispatcher. */
  static async open(options: RigOptions): Promise<Rig> {
    const receiver = await new Receiver().start()
    const product = await Product.prepare(options)
    const log = await EventLog.open(product.env)
    await product.start('console')
    return new Rig(receiver, product, log)
  }

  /** Ready to deliver, under a telemetry port of its own. */
  async startDispatcher(): Promise<ServiceProcess> {
    return this.product.startAnotherDispatcher()
  }

  async connect(workspaceIds: readonly string[]): Promise<void> {
    for (let index = 0; index < workspaceIds.length; index += CONNECTING_AT_ONCE) {
      await Promise.all(
        workspaceIds
          .slice(index, index + CONNECTING_AT_ONCE)
          .map((workspaceId) => this.product.connect(workspaceId, this.receiver.url(workspaceId))),
      )
    }
  }

  async disconnect(workspaceId: string): Promise<void> {
    await this.product.api('DELETE', `/v1/workspaces/${workspaceId}/connection`)
  }

  async connectionState(workspaceId: string): Promise<string> {
    const { state } = await this.product.api<{ state: string }>(
      'GET',
      `/v1/workspaces/${workspaceId}/connection`,
    )
    return state
  }

  async query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.product.env['DATABASE_URL'] })
    await client.connect()
    try {
      return (await client.query<T>(sql, values)).rows
    } finally {
      await client.end()
    }
  }

  /** Every accepted call has had its 2xx. */
  async untilDelivered(withinMs: number): Promise<void> {
    const { receiver, load } = this
    await receiver
      .until(() => load.waiting === 0, 'everything accepted is delivered', withinMs)
      .catch((cause: Error) => {
        const { waiting, oldestWaiting } = load
        throw new Error(`${waiting} wait, the first: ${oldestWaiting.join(', ')}`, { cause })
      })
  }

  /** Nothing in the log or in a lane topic is left to do: all of it is committed. */
  async untilSettled(withinMs = 30_000): Promise<void> {
    await eventually(async () => {
      const records = [
        ...(await this.view.read(this.log.topic)),
        ...(await this.view.laneRecords()),
      ]
      const left = (await this.view.unsettled(records)).length
      if (left > 0) throw new Error(`${left} records are not settled`)
    }, withinMs)
  }

  verdict(): Verdict {
    return judge(this.load.sent, this.receiver.received, keyOf)
  }

  async close(): Promise<void> {
    await this.load.stop()
    await this.product.stop()
    await Promise.all([this.log.stop(), this.receiver.stop()])
  }
}

/** More pings at once than that only wait for each other. */
const CONNECTING_AT_ONCE = 20
