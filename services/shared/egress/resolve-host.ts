import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { EgressError } from './egress-error.ts'

/** All addresses of a host name; rejects with an EgressError when there are none. */
export type ResolveHost = (hostname: string) => Promise<readonly LookupAddress[]>

export interface HostResolverOptions {
  /** Milliseconds until a question is asked again; two tries, the second waits up to twice that. */
  readonly tryTimeoutMs: number
}

/**
 * Asks DNS directly and not through `dns.lookup`: that one occupies one of libuv's four threads
 * until the name server answers, so four customers whose name servers hang would stop every other
 * look-up of the process. The price: the hosts file and search domains do not count; the names
 * under `localhost` are loopback, as RFC 6761 has it.
 */
export function createHostResolver({ tryTimeoutMs }: HostResolverOptions): ResolveHost {
  const resolver = new Resolver({ timeout: tryTimeoutMs, tries: 2 })
  return async (hostname) => {
    if (/(^|\.)localhost\.?$/i.test(hostname)) return LOOPBACK
    // Two questions in a row and not both at once: nearly every endpoint has an A record, and
    // waiting for the AAAA answer of a broken name server would spend the attempt's five seconds.
    const ipv4 = await ask(hostname, () => resolver.resolve4(hostname))
    if (ipv4.length > 0) return ipv4.map((address) => ({ address, family: 4 }))
    const ipv6 = await ask(hostname, () => resolver.resolve6(hostname))
    if (ipv6.length > 0) return ipv6.map((address) => ({ address, family: 6 }))
    throw new EgressError('LOOKUP_FAILED', `${hostname} has no address`)
  }
}

const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** The records, none when the name exists without such records. */
async function ask(
  hostname: string,
  question: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    return await question()
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENODATA') return []
    // Wrapped, because the code can be the name server's own ECONNREFUSED, which would be read
    // as a refusal by the customer's endpoint.
    throw new EgressError('LOOKUP_FAILED', `${hostname} cannot be looked up`, { cause })
  }
}
