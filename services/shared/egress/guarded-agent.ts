import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { type AddressRule, createAddressRule } from './addresses.ts'
import { EgressError } from './egress-error.ts'
import { createHostResolver, type ResolveHost } from './resolve-host.ts'

/**
 * The only way out to a customer's endpoint.
 *
 * The address check sits in the connector: a socket connects to exactly the addresses that were
 * vetted, there is no second look-up, so a name that changes its answer between check and use
 * (DNS rebinding) gains nothing. One address that is not allowed refuses the host altogether:
 * a mixed answer is an attack or a broken zone. TLS still verifies the host name.
 *
 * Redirects are not followed, since undici does so only when asked to. Time limits of a whole
 * request are the caller's, by signal; those here are the backstop.
 */
export interface GuardedAgentOptions {
  /** CIDRs that are allowed although they are not public, such as 127.0.0.0/8 in tests. */
  readonly allowCidrs: readonly string[]
  /** Whether `http:` is allowed at all. */
  readonly allowHttp: boolean
  /** Milliseconds for look-up, TCP and TLS together. Default 5,000. */
  readonly connectTimeoutMs?: number
  /** Most connections per origin; further requests wait. Default: no limit. */
  readonly connections?: number
  /** Default: ask DNS. */
  readonly resolveHost?: ResolveHost
}

/** More of an answer is not read: what it says is its status, not a customer's home page. */
export const ANSWER_BYTES_MAX = 64 * 1024

/** Below the idle limits of common servers, so that we do not write into a closing connection. */
const KEEP_ALIVE_MS = 10_000
/** undici's coarse timers end a request whose caller forgot to. */
const BACKSTOP_MS = 60_000
/** Node gives an address 250 ms before the next one is tried: too little for a far continent. */
const NEXT_ADDRESS_MS = 1_000

/** @throws Error when `allowCidrs` holds something that is no CIDR. */
export function createGuardedAgent(options: GuardedAgentOptions): Agent {
  const { allowCidrs, allowHttp, connectTimeoutMs = 5_000, connections = null } = options
  const isAllowed = createAddressRule(allowCidrs)
  const resolveHost =
    options.resolveHost ?? createHostResolver({ tryTimeoutMs: Math.ceil(connectTimeoutMs / 4) })
  const connectVetted = buildConnector({
    timeout: connectTimeoutMs,
    lookup: vettedLookup(resolveHost, isAllowed),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
  })
  return new Agent({
    connections,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: BACKSTOP_MS,
    bodyTimeout: BACKSTOP_MS,
    connect(target, callback) {
      const refusal = refuse(target, { isAllowed, allowHttp })
      if (refusal) callback(refusal, null)
      else connectVetted(target, callback)
    },
  })
}

interface Rules {
  readonly isAllowed: AddressRule
  readonly allowHttp: boolean
}

/** What can be refused without a look-up; literals never reach `lookup`, so they are vetted here. */
function refuse(target: buildConnector.Options, rules: Rules): EgressError | null {
  if (target.protocol !== 'https:' && !rules.allowHttp) {
    return new EgressError('BLOCKED_ADDRESS', 'only https is allowed')
  }
  const isLiteral = isIP(target.hostname) !== 0
  if (!isLiteral || rules.isAllowed(target.hostname)) return null
  return new EgressError('BLOCKED_ADDRESS', `${target.hostname} is no public address`)
}

function vettedLookup(resolveHost: ResolveHost, isAllowed: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    vet(hostname, resolveHost, isAllowed).then(
      (addresses) => answer(addresses, options, callback),
      (error: NodeJS.ErrnoException) => callback(error, ''),
    )
  }
}

async function vet(
  hostname: string,
  resolveHost: ResolveHost,
  isAllowed: AddressRule,
): Promise<readonly [LookupAddress, ...LookupAddress[]]> {
  const [first, ...others] = await resolveHost(hostname)
  if (first === undefined) throw new EgressError('LOOKUP_FAILED', `${hostname} has no address`)
  const refused = [first, ...others].some(({ address }) => !isAllowed(address))
  // Does not name the address: an answer about our network would be what the prober came for.
  if (refused) throw new EgressError('NOT_PUBLIC', `${hostname} has no public address`)
  return [first, ...others]
}

function answer(
  addresses: readonly [LookupAddress, ...LookupAddress[]],
  { all }: LookupOptions,
  callback: Parameters<LookupFunction>[2],
): void {
  if (all) callback(null, [...addresses])
  else callback(null, addresses[0].address, addresses[0].family)
}
