import type { Logger } from '../../logger.ts'
import {
  type Address,
  type BrokerConnection,
  type ConnectionMaker,
  openBroker,
} from './broker-connection.ts'
import { BrokerAwayError } from './error-codes.ts'

/** One connection per address, and which of them failed last. Tells once when one is away or back. */
export type Connections = ReturnType<typeof createConnections>

export function createConnections(
  maker: ConnectionMaker,
  given: readonly Address[],
  logger: Logger,
) {
  const open = new Map<string, BrokerConnection>()
  const failedAt = new Map<string, number>()
  let failures = 0
  let isClosed = false
  const nameOf = ({ host, port }: Address) => `${host}:${port}`

  return {
    to(address: Address): BrokerConnection {
      if (isClosed) throw new BrokerAwayError('the link is closed', { mayBeDone: false })
      const name = nameOf(address)
      const known = open.get(name)
      if (known?.isOpen) return known
      known?.destroy()
      const connection = openBroker(maker, address)
      open.set(name, connection)
      return connection
    },
    drop(address: Address): void {
      open.get(nameOf(address))?.destroy()
      open.delete(nameOf(address))
    },
    answered(address: Address): void {
      if (failedAt.delete(nameOf(address))) logger.info({ broker: nameOf(address) }, 'broker.back')
    },
    failed(address: Address, error: unknown): void {
      if (isClosed || !(error instanceof BrokerAwayError)) return
      const broker = nameOf(address)
      if (!failedAt.has(broker)) logger.warn({ broker, err: error }, 'broker.away')
      failedAt.set(broker, ++failures)
    },
    /** A broker that left the cluster is not asked again. */
    keepOnly(addresses: readonly Address[]): void {
      const kept = new Set(addresses.map(nameOf))
      for (const [name, connection] of open) {
        if (kept.has(name)) continue
        connection.destroy()
        open.delete(name)
      }
    },
    /** Those that failed last come last. */
    candidates(brokers: readonly Address[]): readonly Address[] {
      const lastFailure = (address: Address) => failedAt.get(nameOf(address)) ?? 0
      const all = new Map([...brokers, ...given].map((address) => [nameOf(address), address]))
      return [...all.values()].sort((a, b) => lastFailure(a) - lastFailure(b))
    },
    close(): void {
      isClosed = true
      for (const connection of open.values()) connection.destroy()
    },
  }
}
